package models

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestParseTemplate(t *testing.T) {
	for _, c := range []struct {
		content, says string // says "" for a good one
	}{
		{"您的快递已到", ""},
		{"尊敬的${TXT_10}，您的验证码是${NUM_6}。", ""},
		{"会议在${DATE},${TIME}开始", ""},
		{"会议在${DATE}，${TIME}开始", ""},
		{"会议在${DATE}的${TIME}开始", ""},
		{"从${DATE}${DATE}", ""},
		{"共${NUM_99}元", ""},
		{"价格是$5 {好}", ""},
		{"第一行\n第二行", ""},
		{strings.Repeat("好", 300), ""},
		{strings.Repeat("好", 300) + "!", "901 bytes"},
		{"", "begins with a Chinese character"},
		{"Hello 您好", "begins with a Chinese character"},
		{"，您好", "begins with a Chinese character"},
		{"${TXT_3}您好", "begins with a Chinese character"},
		{"会议在${DATE}${TIME}开始", "parted by a comma"},
		{"会议在${TIME} ${DATE}开始", "parted by a comma"},
		{"您好${NAME}", "${NAME} is unknown"},
		{"您好${TXT}", "${TXT} is unknown"},
		{"您好${TXT_0}", "unknown"},
		{"您好${TXT_100}", "unknown"},
		{"您好${txt_3}", "unknown"},
		{"您好${NUM_03}", "unknown"},
		{"您好${ TXT_3 }", "unknown"},
		{"您好${DATE_8}", "unknown"},
		{"您好${}", "unknown"},
		{"您好${TXT_3", "not closed"},
		{"您好${TXT_${NUM_3}}", "unknown"},
		{"您好\x00", "control characters"},
		{"您好\xff", "UTF-8"},
		{"您好\u202e", "control characters"},
	} {
		_, err := ParseTemplate(c.content)
		if c.says == "" && err != nil {
			t.Errorf("%q: %v", c.content, err)
		}
		if c.says != "" && (CodeOf(err) != Invalid || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), "content")) {
			t.Errorf("%q: %v; want %s", c.content, err, c.says)
		}
	}
}

func TestTemplateValidate(t *testing.T) {
	good := Template{Name: "快递", Content: "您好${TXT_3}", Voice: "cmn+f2", Rate: 80, Scene: "快递通知"}
	if err := good.Validate(); err != nil {
		t.Error(err)
	}
	for says, spoil := range map[string]func(*Template){
		"name":    func(t *Template) { t.Name = "" },
		"name ":   func(t *Template) { t.Name = strings.Repeat("好", 65) },
		"voice":   func(t *Template) { t.Voice = "../../etc/passwd" },
		"voice ":  func(t *Template) { t.Voice = "-w" },
		"rate":    func(t *Template) { t.Rate = 49 },
		"rate ":   func(t *Template) { t.Rate = 201 },
		"scene":   func(t *Template) { t.Scene = strings.Repeat("a", 257) },
		"content": func(t *Template) { t.Content = "Hello" },
	} {
		bad := good
		spoil(&bad)
		if err := bad.Validate(); CodeOf(err) != Invalid || !strings.Contains(err.Error(), "("+strings.TrimSpace(says)+")") {
			t.Errorf("%s: %v", says, err)
		}
	}
}

func TestFill(t *testing.T) {
	for _, c := range []struct {
		content string
		values  []string
		want    string // a text, or with ! the words of the complaint
	}{
		{"您好", nil, "您好"},
		{"您好", []string{"x"}, "!takes 0 values, not 1"},
		{"尊敬的${TXT_3}，验证码是${NUM_6}。", []string{"王女士", "012345"}, "尊敬的王女士，验证码是零一二三四五。"},
		{"尊敬的${TXT_3}，验证码是${NUM_6}。", []string{"王女士"}, "!takes 2 values, not 1"},
		{"尊敬的${TXT_3}", nil, "!takes 1 values, not 0"},
		{"价格${TXT_8}元", []string{"1.5"}, "价格一点五元"},
		{"价格${NUM_4}.${NUM_2}元", []string{"12", "50"}, "价格一二点五零元"},
		{"单号1${DATE}", []string{"2017/12/31"}, "单号一二零一七年十二月三十一日"},
		{"会议在${DATE},${TIME}开始", []string{"2017/12/31", "23:59:59"}, "会议在二零一七年十二月三十一日,二十三点五十九分五十九秒开始"},
		{"您好${TXT_3}", []string{"四个字呢"}, "!value 1 has more than 3 characters"},
		{"您好${TXT_99}", []string{"一二三四五六七八九十一"}, "!value 1 has 33 bytes"},
		{"您好${TXT_32}", []string{strings.Repeat("a", 32)}, "您好" + strings.Repeat("a", 32)},
		{"您好${TXT_3}", []string{""}, "!value 1 is empty"},
		{"您好${TXT_9}", []string{"a\nb"}, "!value 1 is not UTF-8 text without control"},
		{"您好${TXT_9}", []string{"a\xff"}, "!value 1 is not UTF-8"},
		{"您好${TXT_9}", []string{"${NUM_2}"}, "您好${NUM_二}"},
		{"您好${NUM_4}", []string{"12345"}, "!value 1 is not a number of at most 4 digits"},
		{"您好${NUM_4}", []string{"1.5"}, "!value 1 is not a number"},
		{"您好${NUM_4}", []string{"１２"}, "!value 1 is not a number"},
		{"您好${TXT_4}${DATE}", []string{"a", "2017/2/3"}, "!value 2 is no date"},
		{"您好${DATE}", []string{"2017/02/29"}, "!value 1 is no date"},
		{"您好${DATE}", []string{"2017-12-31"}, "!value 1 is no date"},
		{"您好${TIME}", []string{"9:05"}, "!value 1 is no time"},
		{"您好${TIME}", []string{"24:00"}, "!value 1 is no time"},
		{"您好${TIME}", []string{"23:59:59.5"}, "!value 1 is no time"},
		{"您好${TIME}", []string{"09:05"}, "您好九点零五分"},
	} {
		got, err := Template{Content: c.content, Voice: "v", Rate: 90}.Fill(c.values)
		if says, bad := strings.CutPrefix(c.want, "!"); bad {
			if CodeOf(err) != Invalid || !strings.Contains(err.Error(), "templateParas") || !strings.Contains(err.Error(), says) {
				t.Errorf("%q %q: %v; want %s", c.content, c.values, err, says)
			}
		} else if err != nil || got != (Speech{Text: c.want, Voice: "v", Rate: 90}) {
			t.Errorf("%q %q: %+v, %v; want %s", c.content, c.values, got, err, c.want)
		}
	}
	if _, err := (Template{Content: "您好${TXT_4}"}).FillWithin(ValueLimits{CountBytes: true}, []string{"王女"}); CodeOf(err) != Invalid {
		t.Errorf("six bytes in a place of four: %v", err)
	}
	if _, err := (Template{Content: "您好${TXT_99}"}).FillWithin(ValueLimits{Bytes: 60}, []string{strings.Repeat("好", 20)}); err != nil {
		t.Errorf("sixty bytes of sixty: %v", err)
	}
}

func TestReadAloud(t *testing.T) {
	for text, want := range map[string]string{
		"":                    "",
		"您好":                  "您好",
		"1234":                "一二三四",
		"0":                   "零",
		"１２３":                 "一二三",
		"1.5":                 "一点五",
		"3.":                  "三.",
		"版本1.2.3":             "版本一点二点三",
		"2017/12/31":          "二零一七年十二月三十一日",
		"2017-01-05":          "二零一七年一月五日",
		"2017/2/30":           "二零一七/二/三零",
		"2017/12/31 23:59:59": "二零一七年十二月三十一日 二十三点五十九分五十九秒",
		"23:59":               "二十三点五十九分",
		"00:00":               "零点整",
		"2:05":                "两点零五分",
		"12:00:05":            "十二点零分零五秒",
		"20:10:00":            "二十点十分零秒",
		"10:00:00":            "十点整",
		"24:00":               "二四:零零",
		"12:34:56.7":          "一二:三四:五六.七",
		"9:00-12:00":          "九点整至十二点整",
		"2017/1/1-2017/1/3":   "二零一七年一月一日至二零一七年一月三日",
		"13812345678":         "一三八一二三四五六七八",
		"+8613812345678":      "加八六一三八一二三四五六七八",
		"0755-28780808":       "零七五五，二八七八零八零八",
		"400-123-4567":        "四零零，一二三，四五六七",
		"1-3天":                "一-三天",
		"A1座3-201":            "A一座三-二零一",
		"1+1":                 "一加一",
		"共12,345元":            "共一二,三四五元",
	} {
		if got := ReadAloud(text); got != want {
			t.Errorf("ReadAloud(%q) = %q, want %q", text, got, want)
		}
	}
}

func FuzzFill(f *testing.F) {
	f.Add("尊敬的${TXT_3}，验证码是${NUM_6}。", "王女士", "012345")
	f.Add("会议在${DATE},${TIME}开始", "2017/12/31", "23:59:59")
	f.Add("好0755-28780808，9:00-12:00${NUM_9", "", "")
	f.Fuzz(func(t *testing.T, content, first, second string) {
		parts, err := ParseTemplate(content)
		if err != nil {
			if CodeOf(err) != Invalid {
				t.Fatalf("error of another kind: %v", err)
			}
			return
		}
		var again strings.Builder
		for _, p := range parts {
			if p.Kind != ValueNone && p.Most != 0 && (p.Most < 1 || p.Most > 99) || (p.Kind == ValueNone) != (p.Text != "") {
				t.Fatalf("part %+v", p)
			}
			again.WriteString(p.Text)
		}
		if again.Len() > len(content) {
			t.Fatalf("%q has grown to %q", content, again.String())
		}
		for _, values := range [][]string{nil, {first}, {first, second}} {
			s, err := Template{Content: content}.Fill(values)
			if err != nil {
				if e := CodeOf(err); e != Invalid {
					t.Fatalf("error of another kind: %v", err)
				}
				continue
			}
			if strings.ContainsAny(s.Text, "0123456789") || !utf8.ValidString(s.Text) || !speakable(s.Text) {
				t.Fatalf("%q %q is not read: %q", content, values, s.Text)
			}
			if again := ReadAloud(s.Text); again != s.Text {
				t.Fatalf("%q, read again, is %q", s.Text, again)
			}
		}
	})
}
