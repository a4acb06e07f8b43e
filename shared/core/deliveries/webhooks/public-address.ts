import { BlockList, isIP } from "node:net";

/**
 * IPv4 blocks that are not global unicast, from
 * https://www.iana.org/assignments/iana-ipv4-special-registry, and multicast.
 */
const special4 = blockList("ipv4", [
  "0.0.0.0/8", // "This network"; Linux connects to itself.
  "10.0.0.0/8",
  "100.64.0.0/10", // Carrier-grade NAT; Alibaba's metadata service.
  "127.0.0.0/8",
  "169.254.0.0/16", // Link-local; the metadata services of EC2 and ECS.
  "172.16.0.0/12",
  "192.0.0.0/24", // Protocol assignments; Oracle's metadata service.
  "192.0.2.0/24",
  "192.31.196.0/24",
  "192.52.193.0/24",
  "192.88.99.0/24", // 6to4 relays.
  "192.168.0.0/16",
  "192.175.48.0/24",
  "198.18.0.0/15",
  "198.51.100.0/24",
  "203.0.113.0/24",
  "224.0.0.0/4",
  "240.0.0.0/4", // Reserved; broadcast.
  "168.63.129.16/32", // Azure's platform services, although the address is public.
]);

/** The IPv6 block that is assigned as global unicast; all other addresses are refused. */
const global6 = blockList("ipv6", ["2000::/3"]);

/**
 * Blocks within it that are not global unicast, or that embed an IPv4 address.
 * https://www.iana.org/assignments/iana-ipv6-special-registry
 */
const special6 = blockList("ipv6", [
  "2001::/23", // Protocol assignments: Teredo, benchmarks, ORCHID.
  "2001:db8::/32",
  "2002::/16", // 6to4 embeds an IPv4 address.
  "2620:4f:8000::/48",
  "3ffe::/16", // The former 6bone.
  "3fff::/20",
]);

/**
 * Whether an address belongs to the public internet (global unicast). Private, loopback,
 * link-local, multicast and reserved addresses do not, nor do IPv6 addresses that embed
 * an IPv4 address, addresses with a zone id, and texts that are not an address.
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
