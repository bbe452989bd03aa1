package qr

func (c *Code) set(x, y int, dark bool) {
	c.dark[y*c.Size+x], c.function[y*c.Size+x] = dark, true
}

// drawFunction draws what is no data: timing, finders, alignment, version.
func (c *Code) drawFunction() {
	for i := range c.Size {
		c.set(6, i, i%2 == 0)
		c.set(i, 6, i%2 == 0)
	}
	c.finder(3, 3)
	c.finder(c.Size-4, 3)
	c.finder(3, c.Size-4)
	at := c.alignments()
	for i, x := range at {
		for j, y := range at {
			if corner := i == 0 && (j == 0 || j == len(at)-1) || i == len(at)-1 && j == 0; !corner {
				c.alignment(x, y)
			}
		}
	}
	c.drawFormat(0) // so that its place is taken
	if c.version < 7 {
		return
	}
	rem := c.version
	for range 12 {
		rem = rem<<1 ^ rem>>11*0x1f25
	}
	word := c.version<<12 | rem
	for i := range 18 {
		a, b := c.Size-11+i%3, i/3
		c.set(a, b, word>>i&1 == 1)
		c.set(b, a, word>>i&1 == 1)
	}
}

func (c *Code) finder(x, y int) {
	for dy := -4; dy <= 4; dy++ {
		for dx := -4; dx <= 4; dx++ {
			if px, py := x+dx, y+dy; px >= 0 && py >= 0 && px < c.Size && py < c.Size {
				d := max(abs(dx), abs(dy))
				c.set(px, py, d != 2 && d != 4)
			}
		}
	}
}

func (c *Code) alignment(x, y int) {
	for dy := -2; dy <= 2; dy++ {
		for dx := -2; dx <= 2; dx++ {
			c.set(x+dx, y+dy, max(abs(dx), abs(dy)) != 1)
		}
	}
}

// alignments gives the coordinates of the centres of alignment patterns.
func (c *Code) alignments() []int {
	if c.version == 1 {
		return nil
	}
	n := c.version/7 + 2
	step := (c.version*8 + n*3 + 5) / (n*4 - 4) * 2
	out := make([]int, n)
	out[0] = 6
	for i, at := n-1, c.Size-7; i > 0; i, at = i-1, at-step {
		out[i] = at
	}
	return out
}

// drawFormat draws the level, M, and the mask.
func (c *Code) drawFormat(mask int) {
	rem := mask // the bits of level M are 00
	for range 10 {
		rem = rem<<1 ^ rem>>9*0x537
	}
	word := (mask<<10 | rem) ^ 0x5412
	bit := func(i int) bool { return word>>i&1 == 1 }
	for i := range 6 {
		c.set(8, i, bit(i))
	}
	c.set(8, 7, bit(6))
	c.set(8, 8, bit(7))
	c.set(7, 8, bit(8))
	for i := 9; i < 15; i++ {
		c.set(14-i, 8, bit(i))
	}
	for i := range 8 {
		c.set(c.Size-1-i, 8, bit(i))
	}
	for i := 8; i < 15; i++ {
		c.set(8, c.Size-15+i, bit(i))
	}
	c.set(8, c.Size-8, true)
}

// place writes the codewords into the modules that are left, in pairs of columns
// from the right, up and down in turn.
func (c *Code) place(words []byte) {
	i := 0
	c.zigzag(func(at int) {
		if i < 8*len(words) {
			c.dark[at] = words[i/8]>>(7-i%8)&1 == 1
		}
		i++
	})
}

// zigzag visits the modules of data in their order.
func (c *Code) zigzag(visit func(at int)) {
	for right := c.Size - 1; right >= 1; right -= 2 {
		if right == 6 {
			right = 5
		}
		for vert := range c.Size {
			for j := range 2 {
				x, y := right-j, vert
				if (right+1)&2 == 0 {
					y = c.Size - 1 - vert
				}
				if at := y*c.Size + x; !c.function[at] {
					visit(at)
				}
			}
		}
	}
}

// mask inverts the modules of data that a mask names; doing it twice undoes it.
func (c *Code) mask(n int) {
	for y := range c.Size {
		for x := range c.Size {
			if at := y*c.Size + x; !c.function[at] && masked(n, x, y) {
				c.dark[at] = !c.dark[at]
			}
		}
	}
}

func masked(n, x, y int) bool {
	return [8]int{(x + y) % 2, y % 2, x % 3, (x + y) % 3, (x/3 + y/2) % 2, x*y%2 + x*y%3, (x*y%2 + x*y%3) % 2, ((x+y)%2 + x*y%3) % 2}[n] == 0
}

// penalty says how hard a code is to read (section 7.8.3 of the standard).
func (c *Code) penalty() int {
	p, dark := 0, 0
	for i := range c.Size {
		p += c.line(func(j int) bool { return c.dark[i*c.Size+j] })
		p += c.line(func(j int) bool { return c.dark[j*c.Size+i] })
	}
	for y := range c.Size {
		for x := range c.Size {
			d := c.Dark(x, y)
			if d {
				dark++
			}
			if x+1 < c.Size && y+1 < c.Size && d == c.Dark(x+1, y) && d == c.Dark(x, y+1) && d == c.Dark(x+1, y+1) {
				p += 3
			}
		}
	}
	total := c.Size * c.Size
	return p + abs(dark*20-total*10)/total*10
}

// line counts runs of one colour, and what looks like a finder, in a row or column.
func (c *Code) line(dark func(int) bool) int {
	p, run, window := 0, 0, 0
	for j := range c.Size {
		if j > 0 && dark(j) == dark(j-1) {
			run++
		} else {
			run = 1
		}
		switch {
		case run == 5:
			p += 3
		case run > 5:
			p++
		}
		window = window << 1 & 0x7ff
		if dark(j) {
			window |= 1
		}
		if j >= 10 && (window == 0b10111010000 || window == 0b00001011101) {
			p += 40
		}
	}
	return p
}

func abs(n int) int { return max(n, -n) }
