import { toIso } from "../../clock.ts";
import { CLOCK_TOLERANCE_SECONDS, signHs256, verifiedClaims } from "../../crypto/hs256.ts";
import { derivedKey, type MasterKeys } from "../../crypto/master-keys.ts";

/** How long a portal link is valid (real time). */
const PORTAL_LINK_MS = 15 * 60 * 1_000;

const FORM = /^ackwire_portal_(k\d{1,6})_(.{1,2000})$/;

/** Whether a text has the form of a portal token. */
export const isPortalToken = (text: string): boolean => FORM.test(text);

/** The id of the master key that signed a token; empty where the text is none. */
export const portalKeyIdOf = (token: string): string => FORM.exec(token)?.[1] ?? "";

/** Returns a token that shows one client's records until `PORTAL_LINK_MS` from now. Nothing is stored. */
function makePortalToken(
  master: MasterKeys,
  clientId: string,
  nowMs: number,
): { token: string; expiresMs: number } {
  const expiresMs = nowMs + PORTAL_LINK_MS;
  // The check of a token tolerates clocks that differ.
  const exp = Math.floor(expiresMs / 1_000) - CLOCK_TOLERANCE_SECONDS;
  const jwt = signHs256({ sub: clientId, aud: "portal", exp }, secretOf(master, master.current));
  return { token: `ackwire_portal_${master.current}_${jwt}`, expiresMs };
}

/** Returns whose records a token shows, or `undefined` where it is not valid any more, or never was. */
export function readPortalToken(
  master: MasterKeys,
  token: string,
  nowMs: number,
): { clientId: string; expiresMs: number } | undefined {
  const [, keyId = "", jwt = ""] = FORM.exec(token) ?? [];
  if (!master.keys.has(keyId)) return undefined;
  const { sub, aud, exp } = verifiedClaims(jwt, [secretOf(master, keyId)], nowMs) ?? {};
  if (typeof sub !== "string" || aud !== "portal" || exp === undefined) return undefined;
  return { clientId: sub, expiresMs: (Number(exp) + CLOCK_TOLERANCE_SECONDS) * 1_000 };
}

const secretOf = (master: MasterKeys, keyId: string) =>
  derivedKey(master, keyId, "ackwire/portal").toString("hex");

/** A portal link, whose token is behind `#`: a browser sends it to no server. */
export function portalLinkOf(
  master: MasterKeys,
  of: { clientId: string; nowMs: number; consoleUrl: string | undefined },
) {
  const { token, expiresMs } = makePortalToken(master, of.clientId, of.nowMs);
  return {
    token,
    ...(of.consoleUrl === undefined
      ? {}
      : { url: `${of.consoleUrl.replace(/\/$/, "")}/portal#${token}` }),
    expiresAt: toIso(expiresMs),
  };
}
