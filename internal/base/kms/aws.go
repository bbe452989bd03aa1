package kms

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"strongroom/internal/base/fault"
)

// AWSMachine is where machines of Amazon are told who they are.
const AWSMachine = "http://169.254.169.254"

// AWS is a symmetric key of AWS KMS. Credentials are a file as the command line of AWS
// has it: lines of aws_access_key_id, aws_secret_access_key and, where there is one,
// aws_session_token; the first of each counts.
type AWS struct {
	Access
	ARN string           // of the key, such as arn:aws:kms:eu-central-1:111122223333:key/ID
	Now func() time.Time // time.Now when nil
}

// AWSKeys are who signs a request to AWS.
type AWSKeys struct {
	ID      string `json:"AccessKeyId"`
	Secret  string `json:"SecretAccessKey"`
	Session string `json:"Token"` // or nothing
}

// Wrap is Key's.
func (k *AWS) Wrap(ctx context.Context, plain []byte, bind string) (string, error) {
	var out struct{ CiphertextBlob []byte }
	err := k.call(ctx, "Encrypt", map[string]any{"KeyId": k.ARN, "Plaintext": plain, "EncryptionContext": map[string]string{"for": bind}}, &out)
	if err == nil && len(out.CiphertextBlob) == 0 {
		err = odd()
	}
	return encode(out.CiphertextBlob), err
}

// Unwrap is Key's.
func (k *AWS) Unwrap(ctx context.Context, text, bind string) ([]byte, error) {
	blob, err := decode(text)
	if err != nil {
		return nil, err
	}
	var out struct{ Plaintext []byte }
	err = k.call(ctx, "Decrypt", map[string]any{"KeyId": k.ARN, "CiphertextBlob": blob, "EncryptionContext": map[string]string{"for": bind}}, &out)
	if err == nil && len(out.Plaintext) == 0 {
		err = odd()
	}
	return out.Plaintext, err
}

func (k *AWS) call(ctx context.Context, action string, in, out any) error {
	m := regexp.MustCompile(`^arn:(aws|aws-cn|aws-us-gov):kms:([a-z0-9-]+):[0-9]{12}:key/[A-Za-z0-9-]+$`).FindStringSubmatch(k.ARN)
	if m == nil {
		return fault.New(fault.Invalid, "This is not the name of a key of AWS KMS.").WithHint("It begins with arn:aws:kms: and has :key/ in it. An alias does not do.")
	}
	host := "https://kms." + m[2] + ".amazonaws.com"
	if m[1] == "aws-cn" {
		host += ".cn"
	}
	at, err := k.at(host, "/")
	if err != nil {
		return err
	}
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	defer clear(body)
	who, err := k.who(ctx)
	if err != nil {
		return err
	}
	now := time.Now
	if k.Now != nil {
		now = k.Now
	}
	h := http.Header{"Content-Type": {"application/x-amz-json-1.1"}, "X-Amz-Target": {"TrentService." + action}}
	if err := SignAWS(h, http.MethodPost, at, body, who, m[2], "kms", now()); err != nil {
		return err
	}
	return k.ask(ctx, at, h, body, out, refusedByAWS)
}

func (k *AWS) who(ctx context.Context) (AWSKeys, error) {
	if k.Credentials != nil {
		text, err := k.Credentials()
		if err != nil {
			return AWSKeys{}, err
		}
		return parseAWSKeys(text)
	}
	const path = "/latest/meta-data/iam/security-credentials/"
	var token, role string
	var who AWSKeys
	if err := k.machine(ctx, http.MethodPut, "/latest/api/token", http.Header{"X-Aws-Ec2-Metadata-Token-Ttl-Seconds": {"60"}}, &token); err != nil {
		return who, err
	}
	h := http.Header{"X-Aws-Ec2-Metadata-Token": {token}}
	if err := k.machine(ctx, http.MethodGet, path, h, &role); err != nil {
		return who, err
	}
	if err := k.machine(ctx, http.MethodGet, path+url.PathEscape(role), h, &who); err != nil {
		return who, err
	}
	return who.check()
}

func parseAWSKeys(text string) (AWSKeys, error) {
	var who AWSKeys
	for line := range strings.Lines(text) {
		name, value, _ := strings.Cut(line, "=")
		for want, dst := range map[string]*string{"aws_access_key_id": &who.ID, "aws_secret_access_key": &who.Secret, "aws_session_token": &who.Session} {
			if strings.TrimSpace(name) == want && *dst == "" {
				*dst = strings.TrimSpace(value)
			}
		}
	}
	return who.check()
}

// leastSecret is how long a secret access key is at least; they have 40 characters.
const leastSecret = 16

func (w AWSKeys) check() (AWSKeys, error) {
	if w.ID == "" || len(w.Secret) < leastSecret || strings.ContainsAny(w.ID, " \t\r\n,/") || strings.ContainsAny(w.Session, " \t\r\n") {
		return AWSKeys{}, fault.New(fault.Invalid, "The credentials hold no access key of AWS.").WithHint("The file has lines of aws_access_key_id and aws_secret_access_key.")
	}
	return w, nil
}

// SignAWS signs a request by Amazon's Signature Version 4: it adds X-Amz-Date,
// X-Amz-Security-Token and Authorization to h, and signs all of h, the host and the
// body. at has no parameters.
func SignAWS(h http.Header, method, at string, body []byte, who AWSKeys, region, service string, now time.Time) error {
	u, err := url.Parse(at)
	if err != nil || u.RawQuery != "" {
		return fault.Wrap(err, fault.Invalid, "The address of the key management service cannot be read.")
	}
	stamp := now.UTC().Format("20060102T150405Z")
	h.Set("X-Amz-Date", stamp)
	if who.Session != "" {
		h.Set("X-Amz-Security-Token", who.Session)
	}
	names, lines := canonical(h, u.Host)
	path := u.EscapedPath()
	if path == "" {
		path = "/"
	}
	request := strings.Join([]string{method, path, "", lines, names, hash(body)}, "\n")
	day := stamp[:8]
	scope := strings.Join([]string{day, region, service, "aws4_request"}, "/")
	key := []byte("AWS4" + who.Secret)
	for _, part := range []string{day, region, service, "aws4_request"} {
		key = mac(key, part)
	}
	sum := mac(key, strings.Join([]string{"AWS4-HMAC-SHA256", stamp, scope, hash([]byte(request))}, "\n"))
	h.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+who.ID+"/"+scope+", SignedHeaders="+names+", Signature="+hex.EncodeToString(sum))
	return nil
}

func hash(b []byte) string {
	s := sha256.Sum256(b)
	return hex.EncodeToString(s[:])
}

func mac(key []byte, text string) []byte {
	m := hmac.New(sha256.New, key)
	m.Write([]byte(text))
	return m.Sum(nil)
}

func refusedByAWS(status int, answer []byte) error {
	var out struct {
		Type string `json:"__type"`
	}
	_ = json.Unmarshal(answer, &out) // what cannot be read has no type
	_, name, found := strings.Cut(out.Type, "#")
	if !found {
		name = out.Type
	}
	switch name {
	case "AccessDeniedException", "UnrecognizedClientException", "InvalidSignatureException", "ExpiredTokenException", "IncompleteSignature", "IncompleteSignatureException", "MissingAuthenticationTokenException", "InvalidClientTokenId":
		return denied()
	case "NotFoundException":
		return noKey()
	case "InvalidCiphertextException", "IncorrectKeyException", "InvalidKeyUsageException", "ValidationException":
		return notIts()
	case "DisabledException", "KMSInvalidStateException":
		return off()
	}
	return busy(status)
}
