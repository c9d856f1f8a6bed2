// A receiver of gashub events that is complete, and small enough to be carried over.
//
//     java Receiver.java PORT SECRET FILE
//
// SECRET is `whsec_` and base64, as agreed with the gateway's operator. PORT 0 takes a free one; the
// first line on stdout is the address. Events are kept in FILE, one per line: key, a tab, base64 of
// the body. What stands there after the last newline was never acknowledged, and is cut off.
// Needs nothing but Java 11 or newer.

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.util.Base64;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.Executors;
import java.util.regex.Pattern;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

public class Receiver {
    static final long TOLERANCE_S = 300;
    static final int LARGEST_BODY_BYTES = 1_048_576;

    final byte[] key;
    final FileChannel file;
    final Map<String, String> receipts = new HashMap<>();
    long end; // of the last whole line in the file

    Receiver(byte[] key, Path path) throws IOException {
        this.key = key;
        file = FileChannel.open(path, StandardOpenOption.CREATE, StandardOpenOption.READ,
                StandardOpenOption.WRITE);
        String text = new String(Files.readAllBytes(path), StandardCharsets.ISO_8859_1);
        end = text.lastIndexOf('\n') + 1;
        for (String line : text.substring(0, (int) end).split("\n")) {
            String[] columns = line.split("\t", -1);
            if (columns.length == 2 && decoded(columns[1]).length > 0) {
                receipts.putIfAbsent(columns[0], receipt());
            }
        }
        file.truncate(end);
        file.force(true);
    }

    /** What *text* stands for; nothing where it is no base64. */
    static byte[] decoded(String text) {
        try {
            return Base64.getDecoder().decode(text);
        } catch (IllegalArgumentException notBase64) {
            return new byte[0];
        }
    }

    /** Whether one of the signatures is ours, over these very bytes, and not too old or early. */
    static boolean verify(String id, String sentAt, String signatures, byte[] body, byte[] key,
            long nowS) throws GeneralSecurityException {
        if (id == null || sentAt == null || signatures == null || !sentAt.matches("[0-9]{1,15}")
                || Math.abs(nowS - Long.parseLong(sentAt)) > TOLERANCE_S) {
            return false;
        }
        Mac mac = Mac.getInstance("HmacSHA256");
        mac.init(new SecretKeySpec(key, "HmacSHA256"));
        mac.update((id + "." + sentAt + ".").getBytes(StandardCharsets.UTF_8));
        byte[] expected = mac.doFinal(body);
        for (String one : signatures.trim().split(" +")) {
            if (!one.startsWith("v1,")) {
                continue;
            }
            if (MessageDigest.isEqual(decoded(one.substring(3)), expected)) {
                return true;
            }
        }
        return false;
    }

    /** Store an event, unless its key is known; returns the receipt, the same each time.
     *  Your own work comes later, from what is stored here: so a fault of it loses no event. */
    synchronized String take(String id, byte[] body) throws IOException {
        String known = receipts.get(id);
        if (known != null) {
            return known;
        }
        String line = id + "\t" + Base64.getEncoder().encodeToString(body) + "\n";
        ByteBuffer bytes = ByteBuffer.wrap(line.getBytes(StandardCharsets.UTF_8));
        file.truncate(end); // what an earlier write left behind when it failed
        long at = end;
        while (bytes.hasRemaining()) {
            at += file.write(bytes, at);
        }
        file.force(true); // on the disk before it is acknowledged
        end = at;
        String receipt = receipt();
        receipts.put(id, receipt);
        return receipt;
    }

    String receipt() {
        return String.format("R-%06d", receipts.size() + 1);
    }

    void handle(HttpExchange exchange) throws IOException {
        try (InputStream in = exchange.getRequestBody()) {
            byte[] body = in.readNBytes(LARGEST_BODY_BYTES + 1);
            var headers = exchange.getRequestHeaders();
            String id = headers.getFirst("webhook-id");
            if (body.length > LARGEST_BODY_BYTES) {
                answer(exchange, 413, "{\"code\": \"too_large\"}");
            } else if (!verify(id, headers.getFirst("webhook-timestamp"),
                    headers.getFirst("webhook-signature"), body, key,
                    System.currentTimeMillis() / 1000)
                    || !id.equals(headers.getFirst("idempotency-key"))) {
                // Only webhook-id is signed: under another key an old event would be a new one.
                answer(exchange, 401, "{\"code\": \"signature\"}");
            } else if (!id.matches("[A-Za-z0-9._-]{1,200}") || !Json.isObject(body)) {
                answer(exchange, 400, "{\"code\": \"not_an_event\"}");
            } else {
                // Unknown fields and unknown types are taken as well: the contract grows so.
                answer(exchange, 200,
                        "{\"receipt\": \"" + take(id, body) + "\", \"key\": \"" + id + "\"}");
            }
        } catch (GeneralSecurityException | IOException fault) {
            System.err.println(fault);
            answer(exchange, 500, "{\"code\": \"fault\"}"); // not stored: it comes again
        }
    }

    static void answer(HttpExchange exchange, int status, String said) throws IOException {
        byte[] body = said.getBytes(StandardCharsets.UTF_8);
        exchange.getResponseHeaders().set("content-type", "application/json");
        exchange.sendResponseHeaders(status, body.length);
        exchange.getResponseBody().write(body);
        exchange.close();
    }

    public static void main(String[] given) {
        byte[] key = given.length == 3 && given[1].startsWith("whsec_")
                ? decoded(given[1].substring("whsec_".length())) : new byte[0];
        if (key.length == 0 || !given[0].matches("[0-9]{1,5}")) {
            System.err.println("java Receiver.java PORT SECRET FILE\n"
                    + "SECRET is `whsec_` and base64: `python3 check.py secret` makes one.");
            System.exit(2);
        }
        try {
            Receiver receiver = new Receiver(key, Path.of(given[2]));
            HttpServer server = HttpServer.create(
                    new InetSocketAddress("127.0.0.1", Integer.parseInt(given[0])), 0);
            server.createContext("/", receiver::handle);
            server.setExecutor(Executors.newFixedThreadPool(8));
            server.start();
            System.out.println("http://127.0.0.1:" + server.getAddress().getPort() + "/");
        } catch (IOException | IllegalArgumentException fault) {
            System.err.println("cannot start at port " + given[0] + " with " + given[2] + ": "
                    + fault);
            System.exit(2);
        }
    }

    /** Whether something is JSON. You have a library for it; Java alone has none. */
    static final class Json {
        static final int DEEPEST = 100;
        final String text;
        int at;

        Json(String text) {
            this.text = text;
        }

        static boolean isObject(byte[] body) {
            try {
                Json json = new Json(StandardCharsets.UTF_8.newDecoder()
                        .decode(ByteBuffer.wrap(body)).toString());
                json.space();
                boolean opens = json.next() == '{';
                return opens && json.value(0) && json.at == json.text.length();
            } catch (CharacterCodingException notText) {
                return false;
            }
        }

        boolean value(int depth) {
            space();
            char first = next();
            boolean good;
            if (first == '{' || first == '[') {
                good = depth < DEEPEST && members(first == '{', depth);
            } else {
                good = first == '"' ? matches("\"(?:[^\"\\\\\\x00-\\x1f]|"
                        + "\\\\(?:[\"\\\\/bfnrt]|u[0-9a-fA-F]{4}))*+\"")
                        : matches("true|false|null|"
                        + "-?(?:0|[1-9][0-9]*+)(?:\\.[0-9]++)?(?:[eE][+-]?[0-9]++)?");
            }
            space();
            return good;
        }

        boolean members(boolean named, int depth) {
            char closing = named ? '}' : ']';
            at++;
            space();
            if (next() == closing) {
                at++;
                return true;
            }
            while (true) {
                if (named && (next() != '"' || !value(depth + 1) || next() != ':' || at++ < 0)) {
                    return false;
                }
                if (!value(depth + 1)) {
                    return false;
                }
                char after = next();
                at++;
                space();
                if (after != ',') {
                    return after == closing;
                }
            }
        }

        char next() {
            return at < text.length() ? text.charAt(at) : 0;
        }

        void space() {
            while (at < text.length() && " \t\r\n".indexOf(text.charAt(at)) >= 0) {
                at++;
            }
        }

        boolean matches(String pattern) {
            var found = Pattern.compile(pattern).matcher(text).region(at, text.length());
            boolean good = found.lookingAt();
            at = good ? found.end() : at;
            return good;
        }
    }
}
