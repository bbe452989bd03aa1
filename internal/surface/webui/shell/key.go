package shell

// Key is a form that asks the browser for a passkey or security key, or has it make
// one. It needs script; without it nothing of it is shown.
type Key struct {
	Action   string // takes what the browser answered
	Question string // gives what it asks
	Label    string // of the button
	To       string // where to go on; may be empty
	Make     bool   // a new one is made, with a name
	Name     string
	Error    string
}
