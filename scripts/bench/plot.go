package main

import (
	"fmt"
	"strings"
)

// Measures of the plot, in pixels.
const (
	plotWidth  = 860
	labelWidth = 300
	barHeight  = 18
	barStep    = 30
	blockGap   = 70
)

var plotColours = [...]struct{ name, colour string }{{"switch", "#4c78a8"}, {"daemon", "#e45756"}, {"database", "#f2b701"}}

// plot draws two charts of bars: CPU per call, stacked by process, and the median set-up time.
func (r results) plot() string {
	var p strings.Builder
	height := 2*(blockGap+barStep*len(r.Variants)) + 20
	fmt.Fprintf(&p, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %[1]d %[2]d" font-family="sans-serif" font-size="12">`+"\n", plotWidth, height)
	fmt.Fprintf(&p, `<rect width="%d" height="%d" fill="#ffffff"/>`+"\n", plotWidth, height)
	y := r.block(&p, 0, fmt.Sprintf("CPU per call, ms (%d calls a second, medians of %d rounds)", r.Rate, r.Rounds), true, func(m round) []ms { return []ms{m.Switch, m.Daemon, m.Database} })
	r.block(&p, y, "Set-up, ms: INVITE to 200 less the time that the callee rang (medians)", false, func(m round) []ms { return []ms{m.Setup} })
	p.WriteString("</svg>\n")
	return p.String()
}

// block draws one chart from y on and gives where the next begins.
func (r results) block(p *strings.Builder, y int, title string, legend bool, parts func(round) []ms) int {
	longest := ms(1)
	for _, v := range r.Variants {
		longest = max(longest, sum(parts(v.Median)))
	}
	scale := float64(plotWidth-labelWidth-70) / float64(longest)
	fmt.Fprintf(p, `<text x="10" y="%d" font-size="14" font-weight="bold">%s</text>`+"\n", y+24, title)
	if legend {
		for i, c := range plotColours {
			fmt.Fprintf(p, `<rect x="%d" y="%d" width="12" height="12" fill="%s"/><text x="%d" y="%d">%s</text>`+"\n", labelWidth+i*100, y+36, c.colour, labelWidth+i*100+17, y+46, c.name)
		}
	}
	y += blockGap - 10
	for _, v := range r.Variants {
		x := float64(labelWidth)
		fmt.Fprintf(p, `<text x="%d" y="%d" text-anchor="end">%s</text>`+"\n", labelWidth-8, y+14, v.Title)
		for i, part := range parts(v.Median) {
			width := float64(part) * scale
			fmt.Fprintf(p, `<rect x="%.1f" y="%d" width="%.1f" height="%d" fill="%s"/>`+"\n", x, y, width, barHeight, plotColours[i].colour)
			x += width
		}
		fmt.Fprintf(p, `<text x="%.1f" y="%d">%.1f</text>`+"\n", x+6, y+14, sum(parts(v.Median)))
		y += barStep
	}
	return y + 10
}

func sum(parts []ms) ms {
	total := ms(0)
	for _, p := range parts {
		total += p
	}
	return total
}
