// A receiver of gashub events that is complete, and small enough to be carried over.
//
//     java Receiver.java PORT SECRET FILE
//
// PORT 0 takes a free one; the first line on stdout is the address. Events are kept in FILE, one
// per line: key, a tab, base64 of the body. Needs nothing but Java 11 or newer.

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
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
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

public class Receiver {
    static final long TOLERANCE_S = 300;
    static final int LARGEST_BODY_BYTES = 1_048_576;

    final byte[] key;
    final FileChannel file;
    final Map<String, String> receipts = new HashMap<>();

    Receiver(String secret, Path path) throws IOException {
        key = Base64.getDecoder().decode(secret.substring("whsec_".length()));
        if (Files.exists(path)) {
            for (String line : Files.readAllLines(path, StandardCharsets.UTF_8)) {
                receipts.putIfAbsent(line.split("\t")[0], receipt());
            }
        }
        file = FileChannel.open(path, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
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
            try {
                byte[] given = Base64.getDecoder().decode(one.substring(3));
                if (MessageDigest.isEqual(given, expected)) {
                    return true;
                }
            } catch (IllegalArgumentException notBase64) {
                continue;
            }
        }
        return false;
    }

    /** Store an event, unless its key is known; returns the receipt, the same each time.
     *  Your own work belongs here, in the same transaction. */
    synchronized String take(String id, byte[] body) throws IOException {
        String known = receipts.get(id);
        if (known != null) {
            return known;
        }
        String line = id + "\t" + Base64.getEncoder().encodeToString(body) + "\n";
        ByteBuffer bytes = ByteBuffer.wrap(line.getBytes(StandardCharsets.UTF_8));
        while (bytes.hasRemaining()) {
            file.write(bytes);
        }
        file.force(true); // on the disk before it is acknowledged
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
            String id = headers.getFirst("idempotency-key");
            if (body.length > LARGEST_BODY_BYTES) {
                answer(exchange, 413, "{\"code\": \"too_large\"}");
            } else if (!verify(headers.getFirst("webhook-id"),
                    headers.getFirst("webhook-timestamp"), headers.getFirst("webhook-signature"),
                    body, key, System.currentTimeMillis() / 1000)) {
                answer(exchange, 401, "{\"code\": \"signature\"}");
            } else if (id == null || !id.matches("[A-Za-z0-9._-]{1,200}")
                    || !new String(body, StandardCharsets.UTF_8).startsWith("{")) {
                answer(exchange, 400, "{\"code\": \"not_an_event\"}");
            } else {
                // Unknown fields and unknown types are taken as well: the contract grows so.
                answer(exchange, 200,
                        "{\"receipt\": \"" + take(id, body) + "\", \"key\": \"" + id + "\"}");
            }
        } catch (GeneralSecurityException fault) {
            answer(exchange, 500, "{\"code\": \"fault\"}");
        }
    }

    static void answer(HttpExchange exchange, int status, String said) throws IOException {
        byte[] body = said.getBytes(StandardCharsets.UTF_8);
        exchange.getResponseHeaders().set("content-type", "application/json");
        exchange.sendResponseHeaders(status, body.length);
        exchange.getResponseBody().write(body);
        exchange.close();
    }

    public static void main(String[] given) throws IOException {
        Receiver receiver = new Receiver(given[1], Path.of(given[2]));
        HttpServer server = HttpServer.create(
                new InetSocketAddress("127.0.0.1", Integer.parseInt(given[0])), 0);
        server.createContext("/", receiver::handle);
        server.setExecutor(Executors.newFixedThreadPool(8));
        server.start();
        System.out.println("http://127.0.0.1:" + server.getAddress().getPort() + "/");
    }
}
