import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.HttpURLConnection;
import java.net.URI;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.BiPredicate;

/**
 * Prints events as they come, and goes on where it was after every break.
 *
 * <p>Usage: SLUICE_TOKEN=<token> java Consume.java http://localhost:8080 'issues.*' [events]. It ends after that many events; without
 * a number it never does.
 */
public final class Consume {
  private String lastId = "";
  private long waitMs = 1_000;

  public static void main(String[] args) throws Exception {
    int[] left = {args.length > 2 ? Integer.parseInt(args[2]) : -1};
    new Consume().follow(args[0], args[1], System.getenv("SLUICE_TOKEN"), (id, data) -> {
      System.out.println(id + " " + data);
      return --left[0] != 0;
    });
  }

  /** Hands on the data of each event, with its id, until {@code take} answers false. Throws where the token is refused for good. */
  void follow(String base, String topic, String token, BiPredicate<String, String> take) throws Exception {
    String query = "topic=" + URLEncoder.encode(topic, StandardCharsets.UTF_8);
    URI uri = URI.create(base + "/v1/stream?" + query);
    while (true) {
      try {
        HttpURLConnection connection = (HttpURLConnection) uri.toURL().openConnection();
        connection.setRequestProperty("Authorization", "Bearer " + token);
        connection.setRequestProperty("Accept", "text/event-stream");
        if (!lastId.isEmpty()) connection.setRequestProperty("Last-Event-ID", lastId);
        connection.setConnectTimeout(10_000);
        // At least one frame comes every 15 seconds: 35 without any is a dead connection.
        connection.setReadTimeout(35_000);
        int status = connection.getResponseCode();
        if (status == 429 || status == 503) {
          waitMs = 1_000L * connection.getHeaderFieldInt("Retry-After", 1);
        } else if (status != 200) {
          throw new IllegalStateException("refused with " + status);
        } else if (!read(connection, take)) {
          connection.disconnect();
          return;
        }
      } catch (IOException broken) {
        System.err.println("the stream broke off: " + broken.getMessage());
      }
      Thread.sleep(waitMs + ThreadLocalRandom.current().nextLong(waitMs / 2 + 1));
    }
  }

  /** Reads frames until the stream ends; answers whether more is wanted. */
  private boolean read(HttpURLConnection connection, BiPredicate<String, String> take) throws IOException {
    InputStreamReader text = new InputStreamReader(connection.getInputStream(), StandardCharsets.UTF_8);
    try (BufferedReader lines = new BufferedReader(text)) {
      String event = "";
      String id = null;
      String data = null;
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        int colon = line.indexOf(':');
        String name = colon < 0 ? line : line.substring(0, colon);
        String value = colon < 0 ? "" : line.substring(colon + 1).replaceFirst("^ ", "");
        switch (name) {
          case "event" -> event = value;
          case "id" -> id = value;
          case "retry" -> waitMs = Long.parseLong(value);
          case "data" -> data = data == null ? value : data + "\n" + value;
          default -> {}
        }
        if (!line.isEmpty()) continue;
        if (data != null) {
          if (id != null) lastId = id;
          if (event.equals("gap") || event.equals("reset")) {
            System.err.println("events may be missing: fetch what you show anew (" + event + ")");
          }
          if (event.isEmpty() && !take.test(lastId, data)) return false;
        }
        event = "";
        id = null;
        data = null;
      }
      return true;
    }
  }
}
