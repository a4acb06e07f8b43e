<?php
$value = json_decode(file_get_contents($argv[1]));
$flags = [
    "default" => 0,
    "unescaped slashes" => JSON_UNESCAPED_SLASHES,
    "unescaped Unicode" => JSON_UNESCAPED_UNICODE,
    "unescaped" => JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_UNICODE,
];
foreach ($flags as $name => $flag) echo $name, "\t", json_encode($value, $flag), "\n";
$members = (array) $value;
ksort($members);
echo "default, ksort", "\t", json_encode($members), "\n";
