require "json"

value = JSON.parse(File.read(ARGV[0], encoding: "UTF-8"))
$stdout.set_encoding("UTF-8")
puts "default\t" + JSON.generate(value)
puts "ASCII\t" + JSON.generate(value, ascii_only: true)
