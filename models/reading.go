package models

import (
	"regexp"
	"strings"
	"time"
)

// The reading rules (spec/voicecall.md §7). Text is read by an engine that knows nothing of them, so they are written out in Chinese
// characters first.

// ReadAloud writes the digits of a Chinese text as they are read:
//
//   - digits one by one: 1234 is 一二三四. 1 is always 一, never the 幺 of telephone numbers: the documentation reads 1234 so, and one rule for
//     all needs no guess at which digits are a telephone number;
//   - a dot between digits is 点: 1.5 is 一点五;
//   - dates, 2017/12/31 or 2017-12-31: 二零一七年十二月三十一日;
//   - times, 23:59 or 23:59:59: 二十三点五十九分五十九秒; 8:00 is 八点整, 2:05 is 两点零五分;
//   - from one to another, 9:00-12:00: 九点整至十二点整;
//   - a telephone number, which is seven digits or more in groups, with a + or without: 0755-28780808 is 零七五五，二八七八零八零八, +86 is 加八六.
//
// Full-width digits count as digits. Everything else stays. Reading what has been read changes nothing.
func ReadAloud(text string) string {
	text = strings.Map(func(r rune) rune {
		if r >= '０' && r <= '９' {
			return r - '０' + '0'
		}
		return r
	}, text)
	return digitRun.ReplaceAllStringFunc(text, readRun)
}

// digitRun is digits, with single signs between them.
var digitRun = regexp.MustCompile(`\+?[0-9]+(?:[/:.-][0-9]+)*`)

func readRun(run string) string {
	if said, ok := readClock(run); ok {
		return said
	}
	if from, to, ok := strings.Cut(run, "-"); ok {
		first, ok1 := readClock(from)
		last, ok2 := readClock(to)
		if ok1 && ok2 {
			return first + "至" + last
		}
	}
	if strings.Trim(run, "+-0123456789") == "" && len(run)-strings.Count(run, "-") >= 7 {
		run = strings.ReplaceAll(run, "-", "，")
	}
	if strings.Trim(run, "+.0123456789") == "" {
		run = strings.ReplaceAll(run, ".", "点")
	}
	return eachDigit.Replace(strings.Replace(run, "+", "加", 1))
}

var eachDigit = strings.NewReplacer("0", "零", "1", "一", "2", "二", "3", "三", "4", "四", "5", "五", "6", "六", "7", "七", "8", "八", "9", "九")

// readClock reads a date or a time; ok is false for what is neither.
func readClock(s string) (said string, ok bool) {
	for _, layout := range []string{"2006/1/2", "2006-1-2"} {
		if t, err := time.Parse(layout, s); err == nil {
			return eachDigit.Replace(s[:4]) + "年" + below60(int(t.Month())) + "月" + below60(t.Day()) + "日", true
		}
	}
	if strings.Contains(s, ".") { // time.Parse would take a fraction of a second
		return "", false
	}
	if t, err := time.Parse("15:04", s); err == nil {
		return readHour(t) + readMinute(t, false), true
	}
	if t, err := time.Parse("15:04:05", s); err == nil {
		return readHour(t) + readMinute(t, true), true
	}
	return "", false
}

func readHour(t time.Time) string {
	if t.Hour() == 2 {
		return "两点"
	}
	return below60(t.Hour()) + "点"
}

func readMinute(t time.Time, seconds bool) string {
	if t.Minute() == 0 && t.Second() == 0 {
		return "整"
	}
	said := twoPlaces(t.Minute()) + "分"
	if seconds {
		said += twoPlaces(t.Second()) + "秒"
	}
	return said
}

// twoPlaces is a minute or a second: 5 is 零五.
func twoPlaces(n int) string {
	if n > 0 && n < 10 {
		return "零" + below60(n)
	}
	return below60(n)
}

// below60 is a number from 0 to 59 as it is counted: 20 is 二十.
func below60(n int) string {
	digit := func(n int) string { return eachDigit.Replace(string(rune('0' + n))) }
	switch tens, ones := n/10, n%10; {
	case tens == 0:
		return digit(ones)
	case tens == 1 && ones == 0:
		return "十"
	case tens == 1:
		return "十" + digit(ones)
	case ones == 0:
		return digit(tens) + "十"
	default:
		return digit(tens) + "十" + digit(ones)
	}
}
