// Package menu turns a small YAML of several documents, the menu, into the
// complete description of a virtual data centre.
//
// It owns the form of a menu, what makes one wrong, the assignment of names,
// addresses and AS numbers, and the text of every configuration that follows
// from them. It must not know how a data centre comes to life: it reads the
// menu's files and gives files.
package menu
