/**
 * Settings of a run whose business time passes fast: the timeouts are so long that
 * no request times out on a busy machine, and accounts have no limits. A test of a
 * timeout or a limit sets its own.
 */
export const longTimeoutSettings: Readonly<Record<string, string>> = {
  queueTimeoutSeconds: "31536000",
  resultTimeoutSeconds: "31536000",
  actionTimeoutSeconds: "31536000",
  defaultPreset: "off",
};
