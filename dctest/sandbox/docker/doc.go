// Package docker is a stand-in for the docker command in a sandbox: it knows
// the images that were loaded, and its containers are processes that do
// nothing but run.  It speaks the part of docker's command line that Neco
// uses, and refuses the rest.
//
// It owns a directory below the server's root, which holds a file for each
// image and one for each running container.  Whether a container runs is told
// by a lock that its process holds: however that ends, the lock is gone.
//
// It must not know what is in an image, and no program of Neco.
package docker
