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
	mode, _ := f.whole("areaMatchMode")
	if mode != 0 && mode != 1 {
		f.fail("areaMatchMode", "areaMatchMode is 0 (strict) or 1 (loose)")
	}
	if x != "" {
		return "", false
	}
	if !inCity && f.err == nil {
		if area, inCity = a.numbers.cityOf(ctx, owner); !inCity && mode == 0 {
			f.fail("areaCode", "areaCode or %s is missing, and the city of %s is not known", xName, ownerName)
		}
	}
	return area, mode == 1
}
