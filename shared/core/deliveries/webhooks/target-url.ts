import { isIP } from "node:net";
import type { WebhookTargets } from "../../../contracts/webhook-targets.ts";
import { isPublicAddress } from "./public-address.ts";

const maxUrlLength = 2_048;

/** Suffixes of names that are resolved inside private networks only. https://www.rfc-editor.org/rfc/rfc6761 */
const privateSuffixPattern =
  /(^|\.)(localhost|localdomain|local|internal|intranet|private|corp|home|lan|home\.arpa)$/;
const fullNamePattern = /^([a-z0-9_-]{1,63}\.)+[a-z0-9-]{2,63}$/;

/** The addresses that `allowsLocal` adds, and the notations that a URL may use for them. */
const loopbackAddresses = ["127.0.0.1", "::1"];
const plainLoopbackPattern = /^(127\.0\.0\.1|\[::1\]|localhost)(:\d*)?$/i;

/**
 * Checks whether webhooks may be delivered to a URL. Makes no DNS lookup: the addresses
 * of a name are checked at each delivery, by `mayConnectTo`.
 *
 * @returns the reason as a predicate of which the URL is the subject; `undefined` if the
 *   URL is allowed
 */
export function targetUrlProblem(text: string, targets: WebhookTargets): string | undefined {
  if (text.length > maxUrlLength) return "must have at most 2,048 characters";
  // Most of these are mistakes. A URL is stored and shown as it was parsed, so that invisible
  // characters, which the parser removes or escapes, are not shown either.
  if (/[\s\\\p{Cc}]/u.test(text)) return "contains a space, a control character or a backslash";
  if (!URL.canParse(text)) return "must be a URL with a host, such as https://example.com/hooks";
  const url = new URL(text);
  if (url.href.length > maxUrlLength) return "must have at most 2,048 characters when escaped";
  const scheme = url.protocol.slice(0, -1);
  if (scheme !== "https" && !(targets.allowsLocal && scheme === "http")) {
    return `must be https; got ${scheme}`;
  }
  const authority = /^https?:\/\/([^/?#]+)/i.exec(text)?.[1];
  if (authority === undefined) return "has no host after //";
  if (authority.includes("@")) return "contains a user name or password";
  if (text.includes("#")) return "contains a fragment, which is never sent";
  return hostProblem(url, authority, targets) ?? portProblem(url, targets);
}

function hostProblem(
  url: URL,
  authority: string,
  { allowsLocal }: WebhookTargets,
): string | undefined {
  const host = hostOf(url);
  if (allowsLocal && isLoopback(host)) {
    // One notation for each address, so that no other one evades the check of its port.
    return plainLoopbackPattern.test(authority)
      ? undefined
      : "must write this machine as 127.0.0.1, [::1] or localhost";
  }
  if (isIP(host)) return isPublicAddress(host) ? undefined : `${host} is not a public address`;
  if (privateSuffixPattern.test(host)) return `${host} is not a public name`;
  return fullNamePattern.test(host)
    ? undefined
    : `${host} is not a full name such as hooks.example.com`;
}

function portProblem(url: URL, targets: WebhookTargets): string | undefined {
  const port = portOf(url);
  if (!targets.allowsLocal) {
    return targets.ports.includes(port)
      ? undefined
      : `port ${port} is not allowed: ${targets.ports.join(", ")}`;
  }
  return isLoopback(hostOf(url)) && targets.refusedPorts.includes(port)
    ? `port ${port} is one of Ackwire's own`
    : undefined;
}

/**
 * Whether one of the addresses of a URL's host may be connected to. A host may only have
 * public addresses; `localhost`, if allowed, only loopback addresses.
 */
export function mayConnectTo(address: string, url: URL, { allowsLocal }: WebhookTargets): boolean {
  return allowsLocal && isLoopback(hostOf(url))
    ? loopbackAddresses.includes(address)
    : isPublicAddress(address);
}

/**
 * Returns the host as `node:net` expects it: an IPv6 address without brackets. A full stop at
 * the end, which marks a full name in DNS, is left out: certificates name hosts without it.
 */
export function hostOf(url: URL): string {
  return url.hostname.replace(/^\[|\]$|\.$/g, "");
}

export function portOf(url: URL): number {
  return Number(url.port || (url.protocol === "https:" ? 443 : 80));
}

function isLoopback(host: string): boolean {
  return host === "localhost" || loopbackAddresses.includes(host);
}
