// Package menu generates the complete description of a virtual data centre from a short
// YAML file of several documents, the menu.
//
// It owns the format of a menu and its validation, the assignment of names, addresses and
// AS numbers, and the text of all generated configurations. It must not know how a data
// centre is created: it only reads the menu's files and writes files.
package menu
