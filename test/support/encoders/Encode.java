import com.fasterxml.jackson.core.json.JsonWriteFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonElement;
import com.google.gson.JsonParser;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.json.JSONObject;

/** Needs the jars of Gson 2.11.0, Jackson 2.17.2 and org.json 20240303 in the class path. */
class Encode {
  public static void main(String[] args) throws Exception {
    PrintStream out = new PrintStream(System.out, true, "UTF-8");
    String text = Files.readString(Path.of(args[0]));
    JsonElement tree = JsonParser.parseString(text);
    GsonBuilder gson = new GsonBuilder().serializeNulls();
    out.println("Gson\t" + gson.create().toJson(tree));
    out.println("Gson without HTML escapes\t" + gson.disableHtmlEscaping().create().toJson(tree));
    ObjectMapper plain = new ObjectMapper();
    out.println("Jackson\t" + plain.writeValueAsString(plain.readTree(text)));
    ObjectMapper ascii = JsonMapper.builder().enable(JsonWriteFeature.ESCAPE_NON_ASCII).build();
    out.println("Jackson in ASCII\t" + ascii.writeValueAsString(ascii.readTree(text)));
    ascii.enable(SerializationFeature.ORDER_MAP_ENTRIES_BY_KEYS);
    Map<?, ?> map = ascii.readValue(text, Map.class);
    out.println("Jackson in ASCII, sorted\t" + ascii.writeValueAsString(map));
    out.println("org.json, one member\t" + new JSONObject().put("a", "Zoë \u2028\u0085</b>/"));
  }
}
