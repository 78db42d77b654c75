package machines

// The columns of a list in the order of CSV.
const (
	datacenter = iota
	logicalRack
	physicalRack
	serial
	product
	role
	supportDate
	columns
)

// names are the names of the columns: the fields of JSON.
var names = [columns]string{"datacenter", "logical-rack", "physical-rack", "serial", "product", "role", "support-date"}

// Columns returns the names of all columns in the order of CSV.
func Columns() []string { return names[:] }

// cell is the value of a machine in a column.
type cell struct {
	line int
	text string
	// absent: the list does not have the cell, or the cell has an error that is reported
	// already.
	absent bool
}

// row is a machine in a list.
type row [columns]cell

// emptyRow returns a row at a line in which all cells are absent.
func emptyRow(line int) row {
	var r row
	for i := range r {
		r[i] = cell{line: line, absent: true}
	}
	return r
}
