/** The JSON text of a successful answer of Linked API. */
export function answered(result: object): string {
  return JSON.stringify({ success: true, result });
}
