import { createHmac } from "node:crypto";

const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");

/** A token made by hand, as no honest library makes it. */
export function tokenOf(of: {
  header: object;
  claims: object;
  key: string;
  algorithm?: "sha256" | "sha384" | "sha512";
}): string {
  const text = `${part(of.header)}.${part(of.claims)}`;
  return `${text}.${createHmac(of.algorithm ?? "sha256", of.key)
    .update(text)
    .digest("base64url")}`;
}

/** A token whose header declares that it has no signature. */
export function unsignedToken(alg: string, claims: object): string {
  return `${part({ alg, typ: "JWT" })}.${part(claims)}.`;
}
