package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
)

func main() {
	text, _ := os.ReadFile(os.Args[1])
	var value any
	json.Unmarshal(text, &value)
	encoded, _ := json.Marshal(value)
	fmt.Println("default, map\t" + string(encoded))
	inOrder, _ := json.Marshal(struct {
		Z string `json:"z"`
		A string `json:"a"`
	}{"<b> & é \u2028", "/"})
	fmt.Println("default, struct\t" + string(inOrder))
	var plain bytes.Buffer
	encoder := json.NewEncoder(&plain)
	encoder.SetEscapeHTML(false)
	encoder.Encode(value)
	fmt.Print("without HTML escapes, map\t" + plain.String())
}
