import { randomUUID } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Right } from "../../local/aws/iam/role-check.ts";

/** The directory into which each local run of the tests writes the rights that it has used. */
export const RIGHTS_DIRECTORY = "ACKWIRE_RIGHTS_DIRECTORY";

/** Writes the rights of one run, if a directory for them is set. */
export function recordRights(rights: readonly Right[]): void {
  const directory = process.env[RIGHTS_DIRECTORY];
  if (directory === undefined) return;
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, `${randomUUID()}.json`), JSON.stringify(rights));
}

/** The rights of all runs that were recorded in a directory, each once: used if any run used it. */
export function recordedRights(directory: string): { runs: number; rights: Right[] } {
  const files = readdirSync(directory).filter((name) => name.endsWith(".json"));
  const all = files.flatMap(
    (name) => JSON.parse(readFileSync(join(directory, name), "utf8")) as Right[],
  );
  const byKey = new Map<string, Right>();
  for (const right of all) {
    const key = `${right.roleId} ${right.action} ${right.resource}`;
    const isUsed = right.isUsed || byKey.get(key)?.isUsed === true;
    byKey.set(key, { ...right, isUsed });
  }
  return { runs: files.length, rights: [...byKey.values()] };
}
