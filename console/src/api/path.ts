/**
 * Puts the values into the path of an operation, each as one segment.
 *
 * @throws Error for a value that would make it the path of another operation: an empty one, or `.`
 *   or `..`, which a browser leaves out
 */
export function pathOf(path: string, params: object = {}): string {
  const values: Record<string, unknown> = { ...params };
  return path.replaceAll(/\{(\w+)\}/g, (_, name: string) => {
    const value = String(values[name] ?? "");
    if (value === "") throw new Error(`${name} is missing`);
    if (value === "." || value === "..") throw new Error(`${name} must not be "." or ".."`);
    return encodeURIComponent(value);
  });
}
