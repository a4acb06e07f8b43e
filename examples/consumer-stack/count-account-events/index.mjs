/** The ids of events that this environment has seen. A real consumer stores them. */
const seen = new Set();

/**
 * Logs each event about an account once.
 *
 * @param {import("@ackwire/client").BusEvent} event
 */
export async function handler({ "detail-type": type, detail }) {
  if (seen.has(detail.id)) return;
  seen.add(detail.id);
  console.log(JSON.stringify({ type, client: detail.clientId, event: detail.id }));
}
