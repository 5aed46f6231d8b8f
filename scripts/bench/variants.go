package main

import "slices"

// variant is one way to carry the same call. All run on the same FreeSWITCH binary with the same modules and phones.
type variant struct {
	Key   string `json:"key"`
	Title string `json:"title"`

	dialplan string // in scenarios; "" is the hand-off of conf/freeswitch
	maskline bool   // the daemon runs
	record   bool
	noPost   bool // without mod_json_cdr
	needs    []string
}

// The variants, in the order of the table.
var variants = []variant{
	{Key: "a0", Title: "(a0) static dialplan, without mod_json_cdr", dialplan: "static.xml", noPost: true},
	{Key: "a", Title: "(a) static dialplan", dialplan: "static.xml"},
	{Key: "b", Title: "(b) mod_lua, one MariaDB lookup", dialplan: "lua.xml", needs: []string{"mod_lua", "mod_mariadb"}},
	{Key: "c", Title: "(c) Maskline with MariaDB", maskline: true},
	{Key: "a2", Title: "(a2) static dialplan, recording", dialplan: "static-record.xml", record: true},
	{Key: "c2", Title: "(c2) Maskline with MariaDB, recording", maskline: true, record: true},
}

// luaModules are loaded in every variant where they are there, so that all switches are alike.
var luaModules = []string{"mod_mariadb", "mod_lua"}

// choose takes the variants that were asked for and can be run; why says what was left out.
func choose(only []string, fs softswitch) (chosen []variant, why []string) {
	for _, v := range variants {
		if len(only) > 0 && !slices.Contains(only, v.Key) {
			continue
		}
		if without := fs.missing(v.needs...); len(without) > 0 {
			for _, m := range without {
				why = append(why, v.Title+" is left out: this FreeSWITCH has no "+m)
			}
			continue
		}
		chosen = append(chosen, v)
	}
	return chosen, why
}
