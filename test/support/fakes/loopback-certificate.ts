import { createSign, generateKeyPairSync } from "node:crypto";

/**
 * A self-signed certificate of 127.0.0.1, generated for each test run, so
 * that the repository contains no key. X.509 v3 in DER (RFC 5280).
 */
export function makeLoopbackCertificate(): { key: string; cert: string } {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const ecdsaWithSha256 = sequence(Buffer.from("06082a8648ce3d040302", "hex"));
  const commonName = sequence(Buffer.from("0603550403", "hex"), der(0x0c, Buffer.from("loopback")));
  const name = sequence(der(0x31, commonName));
  const validity = sequence(
    der(0x18, Buffer.from("20200101000000Z")),
    der(0x18, Buffer.from("21200101000000Z")),
  );
  const ip = der(0x87, Buffer.from([127, 0, 0, 1]));
  const subjectAltName = sequence(Buffer.from("0603551d11", "hex"), der(0x04, sequence(ip)));
  const isAuthority = sequence(der(0x01, Buffer.from([0xff])));
  const constraints = sequence(Buffer.from("0603551d13", "hex"), der(0x04, isAuthority));
  const toSign = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, Buffer.from([1])),
    ecdsaWithSha256,
    name,
    validity,
    name,
    publicKey.export({ type: "spki", format: "der" }),
    der(0xa3, sequence(constraints, subjectAltName)),
  );
  const signature = createSign("sha256").update(toSign).sign(privateKey);
  const bits = der(0x03, Buffer.concat([Buffer.from([0]), signature]));
  const base64 = sequence(toSign, ecdsaWithSha256, bits).toString("base64");
  return {
    key: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    cert: `-----BEGIN CERTIFICATE-----\n${base64.replace(/.{64}/g, "$&\n")}\n-----END CERTIFICATE-----\n`,
  };
}

function sequence(...parts: Buffer[]): Buffer {
  return der(0x30, Buffer.concat(parts));
}

function der(tag: number, content: Buffer): Buffer {
  const { length } = content;
  const size =
    length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
}
