import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { OutboundHashFormat } from "../../shared/contracts/webhook-forms.ts";
import { composeWebhookBody } from "../../shared/core/deliveries/creation/body.ts";
import { signedHeaders } from "../../shared/core/deliveries/signing/signing.ts";
import { skipWithout } from "../support/programs.ts";
import { type ReceiverLanguage, verifyIn } from "../support/receivers.ts";

const document = readFileSync(
  join(import.meta.dirname, "../../docs/receiving-webhooks.md"),
  "utf8",
);
/** The document's only code in this language that defines something. */
const code = (language: string, defines: string) => {
  const blocks = document.split("```").filter((block) => block.startsWith(`${language}\n`));
  const [found = "", ...more] = blocks.filter((block) => block.includes(defines));
  expect([found === "", more.length]).toEqual([false, 0]);
  return found.slice(language.length);
};

const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const other = `whsec_${Buffer.alloc(32, 7).toString("base64")}`;

test.for<[ReceiverLanguage, string, string]>([
  ["python3", "python", "def verify("],
  ["go", "go", "func verify("],
  ["php", "php", "function verify("],
  ["java", "java", "void verify("],
  ["ruby", "ruby", "def verify("],
])(
  "The code of docs/receiving-webhooks.md for %s verifies a webhook, and refuses any other",
  ([program, language, defines], { skip }) => {
    skipWithout(program, skip);
    const body = '{"id":"webhook.test:1","data":{"s":"ü\u2028","n":1.0}}';
    const nowSeconds = Math.floor(Date.now() / 1000);
    const headersOf = (secrets: string[], timestampSeconds = nowSeconds) =>
      signedHeaders({ eventId: "webhook.test:1", body, timestampSeconds, secrets });
    const good = headersOf([secret]);
    const outside = "webhook-timestamp outside tolerance";
    const cases: [string, Record<string, string>, string[], string][] = [
      [body, good, [secret], "verified"],
      [body, headersOf([other, secret]), [secret], "verified"],
      [body, good, [other, secret], "verified"],
      [`${body} `, good, [secret], "no signature matches"],
      [body, good, [other], "no signature matches"],
      [body, { ...good, "webhook-signature": "" }, [secret], "no signature matches"],
      [body, headersOf([secret], nowSeconds - 4_000), [secret], outside],
      [body, headersOf([secret], nowSeconds + 4_000), [secret], outside],
      [body, { ...good, "webhook-timestamp": "x" }, [secret], outside],
      [body, good, ["whsec_"], "the secret is incomplete"],
    ];
    const answers = verifyIn(
      program,
      code(language, defines),
      cases.map(([text, headers, secrets]) => ({ body: text, headers, secrets })),
    );
    expect(answers).toEqual(cases.map(([, , , expected]) => expected));
  },
);

describe("the JavaScript of docs/receiving-webhooks.md accepts our We-Link payload", async () => {
  const module = `data:text/javascript,${encodeURIComponent(code("js", "isFromAckwire"))}`;
  const { isFromAckwire } = (await import(module)) as {
    isFromAckwire(body: string, secret: string): boolean;
  };
  const data = '{"requestId":"r","status":"completed","result":{"n":1.0,"hash":"ü"}}';

  test.each(["hmac-hex", "jwt"] as const)(
    "the JavaScript of docs/receiving-webhooks.md refuses any other payload, with %s",
    (form) => {
      const body = composeWebhookBody({
        envelope: `{"id":"workflow.completed:r","data":${data}}`,
        eventType: "workflow.completed",
        payloadMode: "fat",
        format: "we-link",
        hashFormat: form,
        secret,
      });
      expect(isFromAckwire(body, secret)).toBe(true);
      const forged: [string, string][] = [
        [body, other],
        [body.replace("SUCCESS", "FAILED"), secret],
        [body.replace(/"}$/, '.x","status":"FAILED"}'), secret],
        [body.replace(/"}$/, 'ü"}'), secret],
        [body.replace(/,"hash":"[^"]+"}$/, "}"), secret],
        [body.replace(/,"hash":"[^"]+"}$/, ',"hash":""}'), secret],
      ];
      for (const [text, by] of forged) expect(isFromAckwire(text, by), text).toBe(false);
    },
  );
});

describe("receivers of the format we-link in other languages (sendgrid-php#1102)", () => {
  const results = [
    '{"connected":true,"n":1.0,"e":1e3,"s":"ü/\u2028"}',
    '{"10":1,"9":{"0":"a","1":[]},"empty":{},"big":9007199254740993,"hash":"x"}',
    '["\u{1f600}",-0.0,1.10,1e16,1e-7,"</script>","\u007f"]',
    '"text"',
  ];
  const bodyWith = (result: string, hashFormat: OutboundHashFormat) =>
    composeWebhookBody({
      envelope: `{"id":"workflow.completed:r","data":{"requestId":"r","status":"completed","result":${result}}}`,
      eventType: "workflow.completed",
      payloadMode: "fat",
      format: "we-link",
      hashFormat,
      secret,
    });
  const programs = {
    python: (source: string, name: string) => [
      "python3",
      "-c",
      `${source}\nimport sys\nfor line in sys.stdin: print(str(${name}(line.rstrip("\\n").encode(), sys.argv[1])).lower())`,
      secret,
    ],
    php: (source: string, name: string) => [
      "php",
      "-r",
      `${source}\nwhile (($line = fgets(STDIN)) !== false) echo ${name}(rtrim($line, "\\n"), $argv[1]) ? "true" : "false", "\\n";`,
      secret,
    ],
  };
  for (const [language, program] of [
    ["python", "python3"],
    ["php", "php"],
  ] as const) {
    test.for([
      ["is_from_ackwire", "hmac-hex"],
      ["is_from_we_link", language],
    ] as const)(
      `the ${language} function %s verifies a webhook with the hash format %s, and refuses any other`,
      ([name, form], { skip }) => {
        skipWithout(program, skip);
        const good = results.map((result) => bodyWith(result, form));
        const forged = good.flatMap((body) => [
          body.replace("SUCCESS", "FAILED"),
          body.replace(/,"hash":"[^"]+"}$/, ',"hash":""}'),
          body.replace(/,"hash":"[^"]+"}$/, "}"),
        ]);
        const [command = "", ...args] = programs[language](code(language, `${name}(`), name);
        const answer = execFileSync(command, args, {
          input: [...good, ...forged].map((body) => `${body}\n`).join(""),
          encoding: "utf8",
          env: { ...process.env, PYTHONIOENCODING: "utf-8" },
        });
        expect(answer.trim().split("\n")).toEqual([
          ...good.map(() => "true"),
          ...forged.map(() => "false"),
        ]);
      },
    );
  }
});
