package api

import (
	"context"

	"maskline/models"
)

// readWhere says where an X is to be chosen: in areaCode, else in the owner's own city. areaMatchMode 1 lets a choice fall back to another
// city, so then nobody need know the owner's (spec/privatenumber.md §2.1). A named x needs no place. xName and ownerName are what the mode
// calls the two.
func (a *api) readWhere(ctx context.Context, f *fields, x, xName string, owner models.Party, ownerName string) (area string, loose bool) {
	area, inCity := a.numbers.city(f, "areaCode")
	loose = readLoose(f)
	if x != "" {
		return "", false
	}
	if !inCity && f.err == nil {
		if area, inCity = a.numbers.cityOf(ctx, owner); !inCity && !loose {
			f.fail("areaCode", "areaCode or %s is missing, and the city of %s is not known", xName, ownerName)
		}
	}
	return area, loose
}

// readLoose is areaMatchMode: whether a choice may fall back to another city.
func readLoose(f *fields) bool {
	mode, _ := f.whole("areaMatchMode")
	if mode != 0 && mode != 1 {
		f.fail("areaMatchMode", "areaMatchMode is 0 (strict) or 1 (loose)")
	}
	return mode == 1
}
