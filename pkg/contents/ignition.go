package contents

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/sabakan"
)

// Values are what the ignition templates depend on besides the package and sabakan's
// machines.
type Values struct {
	// Version is the release that the nodes belong to. It is also the ID of a template.
	Version string
	// Servers are the LRNs of the boot servers.
	Servers []int
	// SSHKey is the public key of the nodes' user; empty: nobody can log in with a key.
	SSHKey string
	// Proxy is the URL of the nodes' proxy, and ExternalBlock the addresses of which only
	// the ports of the web are reachable; both may be empty.
	Proxy, ExternalBlock string
}

// attempts is how often an upload of a template is tried if another boot server uploads
// one with the same ID at the same time.
const attempts = 3

// Ignitions uploads the ignition template of each role of nodes that differs from the one
// with which sabakan boots machines of that role. The ID of a template is v.Version, or
// v.Version with the suffix .1, .2 and so on if that ID is used. Templates that were
// uploaded before stay.
//
// If something has to be prepared first by an operator, Ignitions uploads nothing and
// returns a note that says what. The note also names what nodes lack besides a template;
// that does not prevent the upload.
func (u Uploader) Ignitions(ctx context.Context, v Values) (note string, err error) {
	_, err = u.Sabakan.IPAM(ctx)
	if errors.Is(err, sabakan.ErrNotFound) {
		return u.noTemplates("sabakan has no addresses to assign yet", "sabactl ipam set -f "+neco.SabakanIPAMFile), nil
	}
	if err != nil {
		return "", err
	}
	servers, missing, err := u.bootServers(ctx, v.Servers)
	if err != nil {
		return "", err
	}
	if len(missing) > 0 {
		return u.noTemplates("sabakan has no machine of boot server "+strings.Join(missing, ", "), "sabactl machines create -f FILE"), nil
	}
	meta, err := u.metadata(ctx, v, servers)
	if err != nil {
		return "", err
	}
	roles, err := u.Roles()
	if err != nil {
		return "", err
	}
	var notes []string
	for _, role := range roles {
		template, err := sabakan.LoadIgnition(u.FS.Path(siteFile(role)))
		if err != nil {
			return "", ofFile(err)
		}
		template.Meta = meta
		note, err := u.ignition(ctx, role, v.Version, template)
		if err != nil {
			return "", fmt.Errorf("ignition template of role %s: %w", role, err)
		}
		if note != "" {
			notes = append(notes, note)
		}
	}
	lacking, err := u.lacking(ctx, v)
	return strings.Join(append(notes, lacking...), "; "), err
}

// Roles returns the roles of nodes for which the package has a template, sorted.
func (u Uploader) Roles() ([]string, error) {
	files, err := filepath.Glob(u.FS.Path(siteFile("*")))
	if err != nil {
		return nil, err
	}
	var roles []string
	for _, f := range files {
		roles = append(roles, filepath.Base(filepath.Dir(f)))
	}
	if len(roles) == 0 {
		return nil, ofFile(fmt.Errorf("no ignition template: there is no file %s", siteFile("*")))
	}
	return roles, nil
}

func siteFile(role string) string {
	return filepath.Join(neco.IgnitionDirectory, "roles", role, "site.yml")
}

// bootServers returns the first address of each boot server of lrns, in their order. missing
// contains the LRNs of which sabakan has no machine.
func (u Uploader) bootServers(ctx context.Context, lrns []int) (addresses, missing []string, err error) {
	machines, err := u.Sabakan.Machines(ctx, url.Values{"role": {"boot"}})
	if err != nil {
		return nil, nil, err
	}
	for _, lrn := range lrns {
		i := slices.IndexFunc(machines, func(m sabakan.Machine) bool { return m.Spec.Rack == lrn && len(m.Spec.IPv4) > 0 })
		if i < 0 {
			missing = append(missing, strconv.Itoa(lrn))
			continue
		}
		addresses = append(addresses, machines[i].Spec.IPv4[0].String())
	}
	return addresses, missing, nil
}

// metadata returns what the function Metadata of the templates returns, by key.
func (u Uploader) metadata(ctx context.Context, v Values, servers []string) (map[string]any, error) {
	images, err := u.nodeImages()
	if err != nil {
		return nil, err
	}
	ofCKE, err := u.ckeImages(ctx)
	if err != nil {
		return nil, err
	}
	meta := map[string]any{
		"version": v.Version, "boot_servers": servers,
		"proxy_url": v.Proxy, "external_ip_address_block": v.ExternalBlock, "authorized_key": v.SSHKey,
	}
	for _, img := range images {
		meta[img.Name+".img"], meta[img.Name+".ref"] = assetName(img), img.FullName(u.Private)
	}
	for _, img := range ofCKE {
		meta["cke:"+img.Name+".img"], meta["cke:"+img.Name+".ref"] = assetName(img), img.FullName(false)
	}
	return meta, nil
}

// ignition uploads the template want of role, unless the newest one of this version is the
// same. It returns a note if machines boot with another template nevertheless.
func (u Uploader) ignition(ctx context.Context, role, version string, want sabakan.Template) (note string, err error) {
	for range attempts {
		ids, err := u.Sabakan.Ignitions(ctx, role)
		if err != nil {
			return "", err
		}
		newest, next := idsOf(version, ids)
		if newest != "" {
			has, err := u.Sabakan.Ignition(ctx, role, newest)
			if err != nil {
				return "", err
			}
			if same(has, want) {
				u.observe(Event{Name: templateName(role, newest), State: Present})
				return outranked(role, newest, ids), nil
			}
		}
		u.report("uploading the ignition template %s of role %s", next, role)
		err = u.Sabakan.PutIgnition(ctx, role, next, want)
		if errors.Is(err, sabakan.ErrConflict) {
			continue
		}
		if err != nil {
			return "", ofUpload(err)
		}
		u.observe(Event{Name: templateName(role, next), State: Uploaded, Total: sizeOf(want)})
		ids, err = u.Sabakan.Ignitions(ctx, role)
		return outranked(role, next, ids), err
	}
	return "", errors.New("another program uploads templates with the same IDs")
}

// templateName returns the name of a template in events.
func templateName(role, id string) string { return "ignition template " + role + " " + id }

// outranked returns a note if id, the newest template of this version, is not the last of
// ids, with which machines boot.
func outranked(role, id string, ids []string) string {
	if len(ids) == 0 || ids[len(ids)-1] == id {
		return ""
	}
	return fmt.Sprintf("machines of role %s boot with the template %s, which has a higher version than %s: sabactl ignitions delete removes it", role, ids[len(ids)-1], id)
}

// same reports whether sabakan renders a and b equally.
func same(a, b sabakan.Template) bool {
	x, errX := canonical(a)
	y, errY := canonical(b)
	return errX == nil && errY == nil && reflect.DeepEqual(x, y)
}

// canonical returns t as decoded JSON.
func canonical(t sabakan.Template) (any, error) {
	data, err := json.Marshal(t)
	if err != nil {
		return nil, err
	}
	var v any
	err = json.Unmarshal(data, &v)
	return v, err
}

// sizeOf returns the size of t as JSON in bytes. sabakan.Client has just encoded t, so that
// there is no error.
func sizeOf(t sabakan.Template) int64 {
	data, _ := json.Marshal(t)
	return int64(len(data))
}

// idsOf returns the newest ID of version among ids, or "" if there is none, and the first
// ID that is newer.
func idsOf(version string, ids []string) (newest, next string) {
	last := -1
	for _, id := range ids {
		n := -1
		if id == version {
			n = 0
		} else if suffix, ok := strings.CutPrefix(id, version+"."); ok {
			if i, err := strconv.Atoi(suffix); err == nil {
				n = i
			}
		}
		if n > last {
			last, newest = n, id
		}
	}
	if last < 0 {
		return "", version
	}
	return newest, version + "." + strconv.Itoa(last+1)
}
