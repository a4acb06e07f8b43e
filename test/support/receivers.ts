import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A webhook as a receiver gets it, and the secrets that the receiver accepts. */
export interface ReceivedWebhook {
  body: string;
  headers: Readonly<Record<string, string>>;
  secrets: readonly string[];
}

/**
 * How the function `verify` of the documents is called in each language. Each program reads a line
 * for each webhook: body, id, timestamp, signatures and secrets, as Base64 and separated by tabs,
 * the secrets by commas. It prints `verified` or the error.
 */
const languages = {
  go: {
    file: "receiver.go",
    command: ["go", "run", "receiver.go"],
    source: (verify: string) => `package main

import (
	"bufio"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"
)
${verify}
func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var texts []string
		for _, field := range strings.Split(lines.Text(), "\\t") {
			text, _ := base64.StdEncoding.DecodeString(field)
			texts = append(texts, string(text))
		}
		h := http.Header{}
		for n, name := range []string{"webhook-id", "webhook-timestamp", "webhook-signature"} {
			h.Set(name, texts[n+1])
		}
		if err := verify([]byte(texts[0]), h, strings.Split(texts[4], ",")); err != nil {
			fmt.Println(err)
		} else {
			fmt.Println("verified")
		}
	}
}
`,
  },
  php: {
    file: "receiver.php",
    command: ["php", "receiver.php"],
    source: (verify: string) => `<?php
${verify}
while (($line = fgets(STDIN)) !== false) {
    [$body, $id, $timestamp, $signature, $secrets] = array_map('base64_decode', explode("\\t", rtrim($line, "\\n")));
    $headers = ['Webhook-Id' => $id, 'Webhook-Timestamp' => $timestamp, 'Webhook-Signature' => $signature];
    try {
        verify($body, $headers, explode(',', $secrets));
        echo "verified\\n";
    } catch (RuntimeException $error) {
        echo $error->getMessage(), "\\n";
    }
}
`,
  },
  python3: {
    file: "receiver.py",
    command: ["python3", "receiver.py"],
    source: (verify: string) => `${verify}
import sys
for line in sys.stdin:
    body, event_id, timestamp, signature, secrets = [base64.b64decode(field) for field in line.rstrip("\\n").split("\\t")]
    headers = {"Webhook-Id": event_id.decode(), "Webhook-Timestamp": timestamp.decode(), "Webhook-Signature": signature.decode()}
    try:
        verify(body, headers, secrets.decode().split(","))
        print("verified")
    except ValueError as error:
        print(error)
`,
  },
  java: {
    file: "Receiver.java",
    command: ["java", "Receiver.java"],
    source: (verify: string) => `import java.io.*;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.*;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

class Receiver {
${verify}
    public static void main(String[] args) throws Exception {
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line; (line = lines.readLine()) != null; ) {
            String[] fields = line.split("\\t", -1);
            byte[][] bytes = new byte[fields.length][];
            for (int n = 0; n < fields.length; n++) bytes[n] = Base64.getDecoder().decode(fields[n]);
            Map<String, String> headers = new HashMap<>();
            String[] names = {"webhook-id", "webhook-timestamp", "webhook-signature"};
            for (int n = 0; n < 3; n++) headers.put(names[n], new String(bytes[n + 1], StandardCharsets.UTF_8));
            try {
                verify(bytes[0], headers, List.of(new String(bytes[4], StandardCharsets.UTF_8).split(",")));
                System.out.println("verified");
            } catch (SecurityException error) {
                System.out.println(error.getMessage());
            }
        }
    }
}
`,
  },
  ruby: {
    file: "receiver.rb",
    command: ["ruby", "receiver.rb"],
    source: (verify: string) => `require "base64"
require "openssl"
${verify}
$stdin.each_line do |line|
  body, id, timestamp, signature, secrets = line.chomp.split("\\t", -1).map { |field| Base64.strict_decode64(field) }
  headers = { "Webhook-Id" => id, "Webhook-Timestamp" => timestamp, "Webhook-Signature" => signature }
  begin
    verify(body, headers, secrets.split(",", -1))
    puts "verified"
  rescue SecurityError => error
    puts error.message
  end
end
`,
  },
};

export type ReceiverLanguage = keyof typeof languages;

/** Verifies webhooks with the code of a document. @returns `verified` or the error, for each */
export function verifyIn(
  language: ReceiverLanguage,
  verify: string,
  webhooks: readonly ReceivedWebhook[],
): string[] {
  const { file, source, command } = languages[language];
  const directory = mkdtempSync(join(tmpdir(), "ackwire-receiver-"));
  try {
    writeFileSync(join(directory, file), source(verify));
    const lines = webhooks.map(({ body, headers, secrets }) => {
      const names = ["webhook-id", "webhook-timestamp", "webhook-signature"];
      const texts = [body, ...names.map((name) => headers[name] ?? ""), secrets.join(",")];
      return texts.map((text) => Buffer.from(text).toString("base64")).join("\t");
    });
    const [program = "", ...args] = command;
    const options = { cwd: directory, input: `${lines.join("\n")}\n`, encoding: "utf8" } as const;
    return execFileSync(program, args, options).trim().split("\n");
  } finally {
    rmSync(directory, { recursive: true });
  }
}
