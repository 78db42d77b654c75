package sabakan

import "time"

// SetLimits replaces how long sabakan may take to answer a request, to take data of an
// upload, and to answer after an upload.
func (c *Client) SetLimits(request, stall, answer time.Duration) {
	c.request, c.stall, c.answer = request, stall, answer
}
