import { expect, test } from "vitest";
import { usage } from "../../cli/usage.ts";

/** What the help of the admin command says of one command. */
function helpOf(words: string): string {
  const rest = usage.slice(usage.indexOf(`\n  ${words} `) + 1);
  return rest.slice(0, rest.search(/\n {2}\S/));
}

const verification = ["signature", "hash-forms", "allow-unbound-jwt", "verify-by-fetch"];
const which = ["account", "provider", "connection"];

test.each<[string, string[]]>([
  ["connections create", ["provider", "webhook-secret-file", "credentials-file", ...verification]],
  ["connections set", ["connection", "status", "credentials-file", ...verification]],
  ["accounts budget", which],
  ["accounts set", [...which, "pace", "preset", "hours", "warm-up", "limit"]],
  ["accounts pause | resume", which],
])("The help of %s names the options %j", (words, options) => {
  const named = [...helpOf(words).matchAll(/--([a-z-]+)/g)].map(([, name]) => name);
  expect(named.sort()).toEqual(["client", ...options].sort());
});
