import { withoutTrailingZeros } from "../../core/json/json.ts";

/** Writes a number that is not an integer literal as some encoder does. */
type NumberFormat = (value: number) => string;

/** How the encoders of some languages write floating-point numbers. All write the shortest digits. */
export const numberFormats = {
  /** JavaScript, and Go. */
  javaScript: String,
  /** `repr(1e16)` is `1e+16`, `repr(1.0)` is `1.0`. */
  python: floats({ positional: [-4, 15], fraction: ".0", exponent: exponentOf("e+", "e-", 2) }),
  /** `Double.toString(1e7)` is `1.0E7`. */
  java: floats({
    positional: [-3, 6],
    fraction: ".0",
    mantissaFraction: ".0",
    exponent: exponentOf("E", "E-", 1),
  }),
  ruby: floats({
    positional: [-4, 14],
    fraction: ".0",
    mantissaFraction: ".0",
    exponent: exponentOf("e+", "e-", 2),
  }),
  /** `json_encode(1.0)` is `1`, and `json_encode(1e25)` is `1.0e+25`. */
  php: floats({
    positional: [-4, 16],
    fraction: "",
    mantissaFraction: ".0",
    exponent: exponentOf("e+", "e-", 1),
  }),
  /** .NET: `1E+16`. */
  dotnet: floats({ positional: [-4, 14], fraction: "", exponent: exponentOf("E+", "E-", 2) }),
} as const satisfies Record<string, NumberFormat>;

export type NumberFormatName = keyof typeof numberFormats;

export const numberFormatNames = Object.keys(numberFormats) as NumberFormatName[];

/** A number or a text in JSON; a number is the only token that begins with a digit or `-`. */
const tokens = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?/g;

/**
 * Returns the JSON text with every floating-point number in this format. Integers stay
 * as they are, and so do numbers with more digits than an encoder writes: in another
 * notation they would be other numbers.
 */
export function withNumbers(text: string, name: NumberFormatName): string {
  const format = numberFormats[name];
  return text.replace(tokens, (token) => {
    if (token.startsWith('"') || /^-?\d+$/.test(token)) return token;
    const value = Number(token);
    return decimalOf(token) === decimalOf(value.toExponential()) ? format(value) : token;
  });
}

/** Returns equal texts for notations of one decimal number. */
function decimalOf(token: string): string {
  const [mantissa = "", power = "0"] = token.toLowerCase().split("e");
  const [whole = "", fraction = ""] = mantissa.replace("-", "").split(".");
  const digits = (whole + fraction).replace(/^0+/, "");
  const significant = withoutTrailingZeros(digits);
  const exponent = Number(power) - fraction.length + digits.length - significant.length;
  const sign = mantissa.startsWith("-") ? "-" : "";
  return sign + (significant === "" ? "0" : `${significant}e${exponent}`);
}

/** Whether the JSON text, without white space, may have a floating-point number. */
export function hasFloats(text: string): boolean {
  return /[:,[]-?\d+[.eE]/.test(text);
}

function exponentOf(plus: string, minus: string, digits: number) {
  return (exponent: number) =>
    (exponent < 0 ? minus : plus) + String(Math.abs(exponent)).padStart(digits, "0");
}

/** The notation of a language: `positional` is the range of decimal exponents that it writes without one. */
function floats(notation: {
  positional: readonly [number, number];
  /** Follows an integer in positional notation. */
  fraction: string;
  /** Follows a mantissa of one digit. */
  mantissaFraction?: string;
  exponent: (exponent: number) => string;
}): NumberFormat {
  const [from, to] = notation.positional;
  return (value) => {
    if (!Number.isFinite(value)) return String(value);
    const [mantissa = "", power = "0"] = value.toExponential().split("e");
    const exponent = Number(power);
    if (exponent >= from && exponent <= to) {
      const digits = positional(mantissa, exponent);
      return digits.includes(".") ? digits : digits + notation.fraction;
    }
    const isSingleDigit = !mantissa.includes(".");
    const written = mantissa + (isSingleDigit ? (notation.mantissaFraction ?? "") : "");
    return written + notation.exponent(exponent);
  };
}

/** Moves the point of a mantissa, which is after its first digit. */
function positional(mantissa: string, exponent: number): string {
  const sign = mantissa.startsWith("-") ? "-" : "";
  const digits = mantissa.replace(/[-.]/g, "");
  if (exponent < 0) return `${sign}0.${"0".repeat(-exponent - 1)}${digits}`;
  const whole = digits.slice(0, exponent + 1).padEnd(exponent + 1, "0");
  const fraction = digits.slice(exponent + 1);
  return sign + whole + (fraction === "" ? "" : `.${fraction}`);
}
