/**
 * Returns an id of a provider as text: providers write ids as texts or as integers.
 * The digits of an integer are exact however large it is. Returns `undefined` for any
 * other value and for an empty text.
 */
export function providerIdOf(value: unknown): string | undefined {
  if (typeof value === "string") return value || undefined;
  const number = JSON.isRawJSON(value) ? value.rawJSON : value;
  if (typeof number !== "number" && typeof number !== "string") return undefined;
  // An encoder that knows only floating-point numbers writes `12345.0`.
  return /^(-?\d+)(?:\.0+)?$/.exec(String(number))?.[1];
}
