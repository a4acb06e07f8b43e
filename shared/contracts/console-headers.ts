/**
 * The content security policy of the console. Scripts, images and calls come from its own origin
 * only; no script is inline. Styles may be inline: the component library writes its variables and
 * its responsive rules into `style` elements.
 *
 * @param frameAncestors origins of the pages that may embed the console, such as
 *   `https://app.example.com`; none: no page may
 */
function contentSecurityPolicy(frameAncestors: readonly string[]): string {
  return [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data:",
    "font-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    `frame-ancestors ${frameAncestors.length === 0 ? "'none'" : frameAncestors.join(" ")}`,
  ].join("; ");
}

/** The headers of every file of the console, by lower-case name. */
export function consoleHeaders(
  frameAncestors: readonly string[],
): Readonly<Record<string, string>> {
  return {
    "content-security-policy": contentSecurityPolicy(frameAncestors),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=()",
    ...(frameAncestors.length === 0 ? { "x-frame-options": "DENY" } : {}),
  };
}
