import { readFileSync } from "node:fs";
import * as z from "zod/mini";
import {
  type ConnectionSettings,
  connectionSettings,
  providerCredentials,
} from "../shared/contracts/config-items.ts";
import { time } from "../shared/contracts/http/parts.ts";
import { parseJsonOrUndefined } from "../shared/contracts/json-text.ts";
import { providerPacks } from "../shared/contracts/providers.ts";

/** The values of a command's options by name. */
export type OptionValues = Readonly<Record<string, string | boolean | string[] | undefined>>;

/**
 * Reads the text of the file that an option names; `-` is the standard input. Secrets are options
 * of this kind, so that they appear in no process list and no shell history.
 *
 * @returns `undefined` when the option is not given
 * @throws Error when the file cannot be read, or is empty
 */
export function textOfFile(values: OptionValues, name: string): string | undefined {
  const file = values[name];
  if (typeof file !== "string") return undefined;
  const text = readFileSync(file === "-" ? process.stdin.fd : file, "utf8").trim();
  if (text === "") throw new Error(`--${name}: the file is empty`);
  return text;
}

/** Reads for how many hours a replaced secret or URL stays valid. @throws Error that names the option */
export function overlapHoursOf({ "overlap-hours": hours }: OptionValues): number | undefined {
  if (hours === undefined) return undefined;
  if (typeof hours === "string" && /^\d+$/.test(hours) && Number(hours) <= 24) return Number(hours);
  throw new Error(
    "--overlap-hours takes a whole number from 0 to 24; 0 cuts the old value at once",
  );
}

/** Parses `--expires`, a time in UTC. @throws Error that names the option */
export function expiryOf({ expires }: OptionValues): string | undefined {
  if (expires === undefined) return undefined;
  const read = time.safeParse(expires);
  if (read.success) return read.data;
  throw new Error("--expires must be a time such as 2027-01-31T00:00:00Z");
}

/** Parses `--scope`. @throws Error that names the scopes */
export function scopeOf<Scope extends string>(
  { scope }: OptionValues,
  scopes: readonly Scope[],
): Scope {
  const known = scopes.find((one) => one === scope);
  if (known !== undefined) return known;
  throw new Error(`--scope must be ${scopes.join(" or ")}`);
}

/** The credential headers of each provider, after its id. */
export function credentialHeaders(): string {
  return Object.values(providerPacks)
    .map((pack) => `${pack.id} ${pack.credentialHeaders.join(", ")}`)
    .join("; ");
}

/** The secret with which the provider signs. */
export const secretOf = (values: OptionValues) => textOfFile(values, "webhook-secret-file");

/** The headers that authenticate at the provider. @throws Error when the file holds no such object */
export function credentialsOf(values: OptionValues): Record<string, string> | undefined {
  const text = textOfFile(values, "credentials-file");
  if (text === undefined) return undefined;
  const read = providerCredentials.safeParse(parseJsonOrUndefined(text));
  if (read.success) return read.data;
  throw new Error(`--credentials-file must hold a JSON object of headers: ${credentialHeaders()}`);
}

/** The settings of a connection that are given. @throws Error that names the option */
export function settingsOf(values: OptionValues): Partial<ConnectionSettings> {
  const yesOrNo = (name: string) => {
    const value = values[name];
    if (value === undefined) return undefined;
    if (value === "yes" || value === "no") return value === "yes";
    throw new Error(`--${name} must be yes or no`);
  };
  const forms = values["hash-forms"];
  const given = {
    status: values.status,
    signature: values.signature,
    hashForms: typeof forms === "string" ? forms.split(",") : undefined,
    allowUnboundJwt: yesOrNo("allow-unbound-jwt"),
    verifyByFetch: yesOrNo("verify-by-fetch"),
  };
  const set = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  return z.partial(connectionSettings).parse(set) as Partial<ConnectionSettings>;
}
