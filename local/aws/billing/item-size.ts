/** An attribute value as DynamoDB's JSON has it: one type and its value. */
export type AttributeValue = Readonly<Record<string, unknown>>;
export type Item = Readonly<Record<string, AttributeValue | undefined>>;

/** A list or a map, whatever it contains. */
const CONTAINER_BYTES = 3;
/** Each element of a list or a map. */
const ELEMENT_BYTES = 1;

/**
 * Returns the size of an item in bytes, by which DynamoDB bills: the names and values of
 * its attributes. Members that are `undefined` do not count.
 *
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
 */
export function itemSize(item: Item): number {
  return Object.entries(item).reduce(
    (sum, [name, value]) =>
      value === undefined ? sum : sum + Buffer.byteLength(name) + valueSize(value),
    0,
  );
}

function valueSize(value: AttributeValue): number {
  const [[type, content] = ["", undefined]] = Object.entries(value);
  switch (type) {
    case "S":
      return Buffer.byteLength(content as string);
    case "N":
      return numberSize(content as string);
    case "B":
      return Buffer.byteLength(content as string, "base64");
    case "SS":
      return sum(content as string[], (text) => Buffer.byteLength(text));
    case "NS":
      return sum(content as string[], numberSize);
    case "BS":
      return sum(content as string[], (text) => Buffer.byteLength(text, "base64"));
    case "L":
      return (
        CONTAINER_BYTES + sum(content as AttributeValue[], (one) => ELEMENT_BYTES + valueSize(one))
      );
    case "M": {
      const members = content as Item;
      return CONTAINER_BYTES + ELEMENT_BYTES * Object.keys(members).length + itemSize(members);
    }
    // BOOL and NULL.
    default:
      return 1;
  }
}

/**
 * DynamoDB documents one byte for two significant digits, and one byte more. It stores digits
 * in pairs at both sides of the decimal point, and one byte more for a negative number.
 */
function numberSize(text: string): number {
  const [mantissa = "", exponentText = "0"] = text.toLowerCase().replace(/^[+-]/, "").split("e");
  const [whole = "", fraction = ""] = mantissa.split(".");
  const all = whole + fraction;
  const digits = all.replace(/^0+/, "").replace(/0+$/, "");
  if (digits === "") return 1;
  // The power of ten of the last digit: an odd one splits a pair at each end.
  const trailingZeros = all.length - all.replace(/0+$/, "").length;
  const lastPower = Number(exponentText) - fraction.length + trailingZeros;
  const isSplit = Math.abs(lastPower % 2) === 1;
  return 1 + Math.ceil((digits.length + (isSplit ? 1 : 0)) / 2) + (text.startsWith("-") ? 1 : 0);
}

function sum<T>(values: readonly T[], sizeOf: (value: T) => number): number {
  return values.reduce((total, value) => total + sizeOf(value), 0);
}
