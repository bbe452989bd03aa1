# make test    everything: formatting, vet, linters, known vulnerabilities, and
#              the whole suite on SQLite and again on PostgreSQL
# make quick   go vet and the suite on SQLite, with what is installed
# make build   the program, reproducibly, as bin/strongroom
# make reproducible   builds the last commit twice and compares
# make bench   every benchmark
# make fips     what has to do with keys, secrets and the vault, built with the FIPS
#              module of Go and run where it refuses all that is not approved
# make vault    a Vault server to test against, as bin/vault-v1.13.0
# make shots   pictures of the pages, in shots/
# make race    the suite under the race detector (needs a C compiler)

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.NOTPARALLEL:
.DELETE_ON_ERROR:

export CGO_ENABLED := 0

STATICCHECK := bin/staticcheck-v0.8.2
GOVULNCHECK := bin/govulncheck-v1.8.0
GOSEC       := bin/gosec-v2.29.0
VAULT       := bin/vault-v1.13.0

VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)

.PHONY: test quick packages vault format vet lint staticcheck gosec vulncheck sqlite postgres build reproducible bench shots race fips clean

test: packages vault format vet lint vulncheck sqlite postgres

quick: vet
	go test ./...

packages:
	@tools/packages

# HashiCorp Vault with its transit engine alone: a module of its own, which is copied to bin/
# so that nothing that goes over the product's files takes it for a part. Some minutes, once.
# Without it one test is skipped, and says so.
vault:
	@if ! [ -x $(VAULT) ] || ! cmp -s tools/vault/main.go.txt bin/vault/main.go || ! cmp -s tools/vault/go.sum bin/vault/go.sum; then \
		mkdir -p bin/vault && cp tools/vault/go.mod tools/vault/go.sum bin/vault/ && cp tools/vault/main.go.txt bin/vault/main.go && \
		(cd bin/vault && go build -trimpath -ldflags '-s -w' -o ../vault-v1.13.0 .) || \
		{ rm -f $(VAULT); echo "vault: it could not be built; TestScripts/transit will say that it is skipped" >&2; }; fi

format:
	@files=$$(git ls-files -z --cached --others --exclude-standard '*.go' | xargs -0 -r gofmt -l); \
	if [ -n "$$files" ]; then echo "not formatted (run gofmt -w):"; echo "$$files"; exit 1; fi

vet:
	go vet ./...

lint: staticcheck gosec

staticcheck: $(STATICCHECK)
	$(STATICCHECK) ./...

gosec: $(GOSEC)
	tools/gosec $(GOSEC) ./...

vulncheck: $(GOVULNCHECK)
	@tools/vulncheck $(GOVULNCHECK) ./...

# The packages that take longest begin first, or they would end alone. Both runs have
# the same limit, so that what asks for no database is not tested twice: the go command
# remembers it.
SUITE := -timeout 60m ./internal/surface/webui ./internal/apptest ./...

sqlite:
	go run ./tools/testreport $(SUITE)

postgres:
	STRONGROOM_TEST_DB=postgres go run ./tools/testreport $(SUITE)

build:
	go build -trimpath -buildvcs=false -ldflags '-s -w -X main.version=$(VERSION)' -o bin/strongroom ./cmd/strongroom

reproducible:
	@tools/reproducible

bench:
	go test -run '^$$' -bench . -benchmem ./...

shots:
	STRONGROOM_SHOTS=$(CURDIR)/shots go test -count=1 -run Shots ./...

# The module that Go had certified first; what else there is lies in lib/fips140 of Go.
FIPS_MODULE := v1.0.0
FIPS_TESTED := ./internal/core/... $(addprefix ./internal/base/,agefile blob breached envelope hostproof kdbx kms merkle pagecrypt \
	paper pkcs11 shamir sqldb transit) $(addprefix ./internal/feature/,apikey approval breaker checkout keyring mfa password sensitive share vault) \
	./internal/app/keylink ./internal/app/wrapping ./internal/surface/vaultapi ./internal/surface/webui/vault

fips:
	GOFIPS140=$(FIPS_MODULE) GODEBUG=fips140=only go test -timeout 45m $(FIPS_TESTED)
	GOFIPS140=$(FIPS_MODULE) go test -timeout 10m -run 'Scripts/fips' ./cmd/strongroom

race:
	CGO_ENABLED=1 go test -race ./...

clean:
	rm -rf bin shots

# Each tool is built with exactly the versions its own maintainers pinned, and
# stays out of the product's go.mod.
$(STATICCHECK):
	$(call tool,honnef.co/go/tools/cmd/staticcheck)
$(GOVULNCHECK):
	$(call tool,golang.org/x/vuln/cmd/govulncheck)
$(GOSEC):
	$(call tool,github.com/securego/gosec/v2/cmd/gosec)

define tool
GOBIN=$(CURDIR)/bin/tmp go install $(1)@$(lastword $(subst -, ,$@))
mv bin/tmp/$(notdir $(1)) $@
endef
