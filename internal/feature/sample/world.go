package sample

import (
	"fmt"
	"strings"
)

// spec is what is known of an organization before anything is made.
type spec struct {
	name, short, domain string
	trade               string // what it does, as in "a dental practice group"
	app                 string // the program that its work depends on
	cities              []string
	status, note, alert string
}

// own is the provider whose tenant it is.
var own = spec{"Northbeam IT", "NBI", "northbeam.example", "the service provider itself", "Beamdesk", []string{"Leeds"}, "Active",
	"<p>Our own organization: internal systems, procedures that hold for every client, and the break-glass accounts.</p>", ""}

// clients are written by hand; more are made up from words when more are needed.
var clients = []spec{
	{"Harbour Dental Group", "HDG", "harbourdental.example", "a group of dental practices", "Molar Desk", []string{"Seattle", "Tacoma"}, "Active",
		"<p>Two surgeries. Nobody may restart the imaging server while a patient is in the chair: <strong>ring reception first</strong>.</p>", ""},
	{"Kestrel Logistics", "KES", "kestrel-logistics.example", "a haulage and warehousing company", "Freightboard", []string{"Rotterdam", "Antwerpen"}, "Active",
		"<p>Works round the clock. The warehouse scanners depend on the wireless network in hall 2; treat any outage there as urgent.</p>",
		"Change freeze from 20 December to 3 January."},
	{"Alder & Vine Solicitors", "AVS", "aldervine.example", "a firm of solicitors", "CaseBinder", []string{"Bristol"}, "Active",
		"<p>Client confidentiality: no remote session without the user's consent on the telephone, and note who gave it.</p>", ""},
	{"Meridian Care", "MER", "meridiancare.example", "a provider of home and residential care", "CareRound", []string{"Dublin", "Galway"}, "Active",
		"<p>Care staff sign in from tablets at the bedside. Medication rounds are at 08:00, 13:00, 18:00 and 22:00: no planned work then.</p>", ""},
	{"Tallow Forge Manufacturing", "TFM", "tallowforge.example", "a maker of drop-forged parts", "ForgePlan", []string{"Sheffield", "Dortmund"}, "Active",
		"<p>The machine network is separate from the office network. Do not connect laptops to it, not even for a minute.</p>",
		"Press line 3 runs on a controller that must not be updated. Ask before touching VLAN 60."},
	{"Northgate School", "NGS", "northgateschool.example", "a secondary school", "ClassRegister", []string{"York"}, "Active",
		"<p>Term time: changes after 16:00 only. Safeguarding alerts from the web filter go to the deputy head, never by e-mail.</p>", ""},
	{"Juniper & Salt Hotels", "JSH", "junipersalt.example", "a small hotel group", "StayLedger", []string{"Melbourne", "Geelong"}, "Active",
		"<p>Front desk is staffed day and night. Card terminals sit on their own network and are looked after by the payment provider.</p>", ""},
	{"Copperfield Accounting", "CFA", "copperfield-accounting.example", "a firm of accountants", "Ledgerline", []string{"Toronto"}, "Active",
		"<p>January to April is busy season: answer within the hour and move everything that can wait to May.</p>", ""},
	{"Saltmarsh Veterinary", "SMV", "saltmarshvets.example", "a veterinary practice", "PawChart", []string{"Norwich"}, "Onboarding",
		"<p>Taken over from another provider this quarter. What is not documented here has not been looked at yet.</p>", ""},
}

// city is a real place with numbers that are set aside for fiction, or look it.
type city struct {
	name, region, country string
	postal, street        string
	phone                 string // %d is four digits
}

var cities = []city{
	{"Leeds", "ENG", "GB", "LS1 4AP", "Wharf Street", "+44 113 496 %04d"},
	{"Seattle", "WA", "US", "98101", "Pier Avenue", "+1 206 555 01%02d"},
	{"Tacoma", "WA", "US", "98402", "Foss Road", "+1 253 555 01%02d"},
	{"Rotterdam", "ZH", "NL", "3011 AD", "Kadeweg", "+31 10 555 %04d"},
	{"Antwerpen", "VAN", "BE", "2000", "Dokkaai", "+32 3 555 %04d"},
	{"Bristol", "ENG", "GB", "BS1 5TY", "Orchard Quay", "+44 117 496 %04d"},
	{"Dublin", "D", "IE", "D02 X285", "Canal Row", "+353 1 555 %04d"},
	{"Galway", "G", "IE", "H91 T3V9", "Weir Lane", "+353 91 555 %03d"},
	{"Sheffield", "ENG", "GB", "S3 8GG", "Forge Lane", "+44 114 496 %04d"},
	{"Dortmund", "NW", "DE", "44137", "Hammerstraße", "+49 231 555 %04d"},
	{"York", "NYK", "GB", "YO1 7HH", "Northgate", "+44 1632 960%03d"},
	{"Melbourne", "VIC", "AU", "3000", "Juniper Street", "+61 3 5550 %04d"},
	{"Geelong", "VIC", "AU", "3220", "Salt Parade", "+61 3 5550 %04d"},
	{"Toronto", "ON", "CA", "M5H 2N2", "Copper Street", "+1 416 555 01%02d"},
	{"Norwich", "NFK", "GB", "NR2 1TF", "Marsh Lane", "+44 1632 961%03d"},
	{"Wien", "9", "AT", "1010", "Donaugasse", "+43 1 555 %04d"},
	{"Zürich", "ZH", "CH", "8001", "Seeweg", "+41 44 555 %04d"},
	{"Lyon", "ARA", "FR", "69002", "Rue du Port", "+33 4 55 55 %04d"},
	{"Denver", "CO", "US", "80202", "Larkspur Street", "+1 303 555 01%02d"},
	{"Wellington", "WGN", "NZ", "6011", "Harbour Rise", "+64 4 555 %04d"},
}

func cityOf(name string) city {
	for _, c := range cities {
		if c.name == name {
			return c
		}
	}
	return cities[0]
}

// Words that more organizations are called by.
var (
	firstWords  = []string{"Amber", "Birch", "Cedar", "Dunlin", "Ember", "Fern", "Granite", "Hazel", "Ivory", "Jasper", "Kelp", "Larch", "Maple", "Nettle", "Opal", "Pebble", "Quartz", "Rowan", "Sable", "Thistle", "Umber", "Velvet", "Willow", "Yarrow"}
	secondWords = []string{"Bay", "Bridge", "Brook", "Cliff", "Cross", "Dale", "Field", "Gate", "Hill", "Lane", "Mill", "Point", "Ridge", "Vale", "Wharf", "Wood"}
	trades      = []struct{ word, trade, app string }{
		{"Architects", "a practice of architects", "PlanRoom"}, {"Surveyors", "a firm of surveyors", "Plotbook"}, {"Foods", "a food producer", "BatchTrace"},
		{"Clinic", "a clinic", "CareRound"}, {"Engineering", "an engineering company", "ForgePlan"}, {"Lettings", "a letting agency", "RentRoll"},
		{"Opticians", "a chain of opticians", "LensBook"}, {"Freight", "a freight forwarder", "Freightboard"}, {"Academy", "a school", "ClassRegister"},
		{"Insurance Brokers", "a broker of insurance", "PolicyLine"}, {"Joinery", "a joinery", "Cutlist"}, {"Print", "a printing house", "PressQueue"},
	}
	givenNames = []string{"Maya", "Tobias", "Ines", "Callum", "Priya", "Jonas", "Aoife", "Mateo", "Hanna", "Kwame", "Elif", "Rasmus", "Noor", "Petra", "Dylan", "Sofia", "Marek", "Leila", "Owen", "Yuki", "Greta", "Samir", "Bronwyn", "Luca", "Anneke", "Femi", "Clara", "Viktor", "Zofia", "Idris"}
	surnames   = []string{"Okafor", "Lindqvist", "Marchetti", "Doyle", "Venkataraman", "Brandt", "Keane", "Ibarra", "Vogel", "Mensah", "Aydin", "Holm", "Haddad", "Novotny", "Pryce", "Almeida", "Kowalczyk", "Rahimi", "Fairweather", "Tanaka", "Albrecht", "Nasser", "Llewellyn", "Ferraro", "de Wit", "Adeyemi", "Moreau", "Sokolov", "Wrobel", "Blackwood"}
	jobTitles  = []string{"Office manager", "Finance director", "Receptionist", "Operations manager", "Head of people", "Site manager", "Accounts assistant", "Managing director", "Team leader", "Marketing manager", "Stores supervisor", "Executive assistant"}
)

// specOf gives the organization with that number: the provider, then those
// written by hand, then made-up ones, each with a name of its own.
func specOf(n int) spec {
	switch {
	case n == 0:
		return own
	case n <= len(clients):
		return clients[n-1]
	}
	i := n - len(clients) - 1
	first, second := firstWords[i%len(firstWords)], secondWords[i/len(firstWords)%len(secondWords)]
	t := trades[(i+i/len(firstWords))%len(trades)]
	name := first + " " + second + " " + t.word
	if round := i / (len(firstWords) * len(secondWords)); round > 0 {
		name += fmt.Sprintf(" %d", round+1)
	}
	slug := strings.ReplaceAll(strings.ToLower(name), " ", "-")
	return spec{name, strings.ToUpper(first[:2]+second[:1]) + fmt.Sprint(i), slug + ".example", t.trade, t.app,
		[]string{cities[(i*7)%len(cities)].name, cities[(i*7+3)%len(cities)].name}, "Active", "", ""}
}
