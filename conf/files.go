package conf

import "embed"

// Sample is maskline.yaml as it ships: every key with a sentence.
//
//go:embed maskline.yaml
var Sample []byte

// Prompts are the default prompts, one directory a language: prompts/zh/busy.wav.
//
//go:embed prompts
var Prompts embed.FS
