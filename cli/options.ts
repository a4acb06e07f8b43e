import { readFileSync } from "node:fs";
import { providerCredentials } from "../shared/contracts/config-items.ts";
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
