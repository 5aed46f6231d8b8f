package models

// Page asks for one page of a list: rows after the Offset first ones, Limit of them. Every list has a page.
type Page struct {
	Offset int
	Limit  int // 0 is PageDefault; more than PageMax is PageMax
}

// The sizes of a page.
const (
	PageDefault = 50
	PageMax     = 500
)

// Bounds gives offset and limit within their ranges.
func (p Page) Bounds() (offset, limit int) {
	if p.Limit <= 0 {
		p.Limit = PageDefault
	}
	return max(0, p.Offset), min(p.Limit, PageMax)
}
