/**
 * Settings of a run whose business time passes fast: what a test waits for does
 * not time out on a busy machine. A test of a timeout sets its own.
 */
export const patientSettings: Readonly<Record<string, string>> = {
  queueTimeoutSeconds: "31536000",
  resultTimeoutSeconds: "31536000",
  actionTimeoutSeconds: "31536000",
};
