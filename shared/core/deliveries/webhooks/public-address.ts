import { BlockList, isIP } from "node:net";

/**
 * Blocks of IPv4 that are not global unicast.
 * https://www.iana.org/assignments/iana-ipv4-special-registry, and multicast.
 */
const special4 = blockList("ipv4", [
  "0.0.0.0/8", // This network; Linux connects it to itself.
  "10.0.0.0/8",
  "100.64.0.0/10", // Shared by carriers, and Alibaba's metadata.
  "127.0.0.0/8",
  "169.254.0.0/16", // Link-local: the metadata of EC2 and ECS.
  "172.16.0.0/12",
  "192.0.0.0/24", // Protocol assignments, and Oracle's metadata.
  "192.0.2.0/24",
  "192.31.196.0/24",
  "192.52.193.0/24",
  "192.88.99.0/24", // Relays of 6to4.
  "192.168.0.0/16",
  "192.175.48.0/24",
  "198.18.0.0/15",
  "198.51.100.0/24",
  "203.0.113.0/24",
  "224.0.0.0/4",
  "240.0.0.0/4", // Reserved, and broadcast.
  "168.63.129.16/32", // Azure's own services, at a public address.
]);

/** The part of IPv6 that is given out as global unicast: what is outside is refused unseen. */
const global6 = blockList("ipv6", ["2000::/3"]);

/**
 * Blocks inside it that are not, or that lead to an IPv4 address.
 * https://www.iana.org/assignments/iana-ipv6-special-registry
 */
const special6 = blockList("ipv6", [
  "2001::/23", // Protocol assignments: Teredo, benchmarks, ORCHID.
  "2001:db8::/32",
  "2002::/16", // 6to4 holds an IPv4 address.
  "2620:4f:8000::/48",
  "3ffe::/16", // The former 6bone.
  "3fff::/20",
]);

/**
 * Whether an address is one of the public internet (global unicast). Anything
 * else is refused: private, loopback, link-local, multicast and reserved
 * addresses, IPv6 forms that hold an IPv4 address, zone ids, and any text that
 * is no address in its plain notation.
 */
export function isPublicAddress(address: string): boolean {
  switch (isIP(address)) {
    case 4:
      return !special4.check(address, "ipv4");
    case 6:
      return (
        !address.includes("%") && global6.check(address, "ipv6") && !special6.check(address, "ipv6")
      );
    default:
      return false;
  }
}

function blockList(family: "ipv4" | "ipv6", blocks: readonly string[]): BlockList {
  const list = new BlockList();
  for (const block of blocks) {
    const [network = "", prefix] = block.split("/");
    list.addSubnet(network, Number(prefix), family);
  }
  return list;
}
