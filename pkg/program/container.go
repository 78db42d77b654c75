package program

// ContainerNames returns the names that the container of the service unit may have on a
// boot server: first the name that the unit file of this version of Neco gives it, then
// the name of earlier versions, if it differs. A container has its former name until an
// update restarts it.
func ContainerNames(unit string) []string {
	for _, p := range All() {
		if p.Container == "" || p.Units[0] != unit {
			continue
		}
		if p.FormerContainer == "" {
			return []string{p.Container}
		}
		return []string{p.Container, p.FormerContainer}
	}
	return []string{unit}
}

// CurrentContainerName returns the name that the unit file of this version of Neco gives
// to the container called name. It returns name itself unless that is a former name.
func CurrentContainerName(name string) string {
	for _, p := range All() {
		if p.FormerContainer != "" && p.FormerContainer == name {
			return p.Container
		}
	}
	return name
}
