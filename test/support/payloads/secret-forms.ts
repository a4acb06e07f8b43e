/** Returns a secret as it is and in Base64 and base64url at each of the three possible offsets. */
function formsOf(secret: string): string[] {
  const encoded = ["", "x", "xx"].flatMap((before) => {
    const bytes = Buffer.from(before + secret);
    const whole = bytes.toString("base64").slice(before.length === 0 ? 0 : 4);
    return [whole, whole.replaceAll("+", "-").replaceAll("/", "_")].map((text) =>
      text.slice(0, -4),
    );
  });
  return [secret, ...encoded];
}

/** Whether a text contains a secret, as it is or in Base64. */
export const holds = (text: string, secret: string): boolean =>
  formsOf(secret).some((form) => text.includes(form));
