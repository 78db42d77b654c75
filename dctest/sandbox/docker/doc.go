// Package docker imitates the docker command in a sandbox. It records the images that
// were loaded, and its containers are processes that do nothing until they are stopped.
// It supports the part of docker's command line that Neco uses, and refuses the rest.
//
// It owns a directory below the server's root with a file for each image and each running
// container. The process of a container locks the container's file. A container is
// running if and only if its file is locked: the kernel releases the lock when the
// process ends.
//
// It must not know what is in an image, and no program of Neco.
package docker
