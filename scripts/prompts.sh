#!/bin/sh
# Makes the default prompts, Chinese and English, from espeak-ng and sox: WAV, A-law, 8 kHz, mono, at most 2 MB each
# (the format of spec/privatenumber.md §6). They are understandable and no more; replace any of them by a better
# recording of the same name and format. Existing files are made anew.
#
#   scripts/prompts.sh [DIR]     DIR defaults to conf/prompts; files go to DIR/zh and DIR/en
#
# Needs espeak-ng and sox (Debian: apt-get install espeak-ng sox).
set -eu

dir=${1:-$(dirname "$0")/../conf/prompts}
for tool in espeak-ng sox; do
	command -v "$tool" >/dev/null || { echo "prompts: $tool is missing: apt-get install espeak-ng sox" >&2; exit 1; }
done

# name | Chinese | English. The wording is replaceable, the names are not: the daemon plays prompts by name.
table() {
	cat <<'END'
no_permission|对不起，您没有使用该业务的权限。|Sorry, you are not permitted to use this service.
abnormal|对不起，系统异常，请稍后再拨。|Sorry, something went wrong. Please try again later.
no_binding|对不起，您拨打的号码绑定关系不存在。|Sorry, the number you have dialled is not connected to anyone for you.
busy|对不起，您拨打的用户正在通话中，请稍后再拨。|Sorry, the person you have called is on another call. Please try again later.
no_answer|对不起，您拨打的用户暂时无人接听，请稍后再拨。|Sorry, the person you have called does not answer. Please try again later.
unreachable|对不起，您拨打的用户暂时无法接通，请稍后再拨。|Sorry, the person you have called cannot be reached at the moment. Please try again later.
powered_off|对不起，您拨打的用户已关机。|Sorry, the phone of the person you have called is switched off.
not_exist|对不起，您拨打的号码是空号，请核对后再拨。|Sorry, the number does not exist. Please check it and dial again.
rejected|对不起，您的呼叫被拒绝。|Sorry, your call was declined.
direction_forbidden|对不起，该号码不允许由您呼出。|Sorry, you cannot place a call through this number.
record_hint|为保证服务质量，您的通话将会被录音。|To assure the quality of service, this call will be recorded.
last_minute|您的通话时间还剩一分钟。|One minute is left for this call.
extension_input|请输入分机号码，按井号键结束。|Please enter the extension, then press the hash key.
extension_wrong|分机号码错误，请重新输入。|That extension is wrong. Please enter it again.
extension_giveup|分机号码错误，再见。|That extension is wrong. Goodbye.
extension_missing|您没有输入分机号码，再见。|No extension was entered. Goodbye.
wait|正在为您接通，请稍候。|Please wait while we connect your call.
system_busy|对不起，系统忙，请稍后再拨。|Sorry, all lines are busy. Please try again later.
transfer|正在为您转接中，请稍后。|Please wait while your call is being put through.
sampled|为提升服务质量，您的通话可能会被随机录音。|To improve our service, this call may be recorded for random inspection.
END
}

# digit | Chinese | English: verification codes are read digit by digit, in the language that the request names, so both languages stand in both
# directories as digit_zh_0.wav and digit_en_0.wav.
digits() {
	cat <<'END'
0|零|zero
1|一|one
2|二|two
3|三|three
4|四|four
5|五|five
6|六|six
7|七|seven
8|八|eight
9|九|nine
END
}

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# say VOICE WORDS-A-MINUTE TEXT FILE: a little silence on both ends, level below clipping, telephone band.
say() {
	espeak-ng -v "$1" -s "$2" -w "$tmp/say.wav" -- "$3"
	sox -D "$tmp/say.wav" -r 8000 -c 1 -e a-law "$4" gain -6 highpass 200 norm -4 pad 0.2 0.3
}

# digit VOICE WORDS-A-MINUTE TEXT FILE: the same without the silence, the engine's own included: the pause between digits is the daemon's.
digit() {
	espeak-ng -v "$1" -s "$2" -w "$tmp/say.wav" -- "$3"
	sox -D "$tmp/say.wav" -r 8000 -c 1 -e a-law "$4" gain -6 highpass 200 silence 1 0.01 0.5% reverse silence 1 0.01 0.5% reverse norm -4 pad 0.02 0.05
}

mkdir -p "$dir/zh" "$dir/en"
table | while IFS='|' read -r name zh en; do
	say cmn 230 "$zh" "$dir/zh/$name.wav"
	say en-gb 155 "$en" "$dir/en/$name.wav"
done

digits | while IFS='|' read -r n zh en; do
	digit cmn 170 "$zh" "$dir/zh/digit_zh_$n.wav"
	digit en-gb 140 "$en" "$dir/zh/digit_en_$n.wav"
	cp "$dir/zh/digit_zh_$n.wav" "$dir/zh/digit_en_$n.wav" "$dir/en/"
done

find "$dir/zh" "$dir/en" -name '*.wav' -size +2048k -print | while read -r big; do
	echo "prompts: $big is larger than 2 MB" >&2
	exit 1
done
