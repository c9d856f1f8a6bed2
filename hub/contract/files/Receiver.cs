// A receiver of gashub events that is complete, and small enough to be carried over.
//
//     mcs Receiver.cs && mono Receiver.exe PORT SECRET FILE        (or as a project of dotnet)
//
// PORT must be a free one; the first line on stdout is the address. Events are kept in FILE, one
// per line: key, a tab, base64 of the body.

using System;
using System.Collections.Generic;
using System.IO;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Threading;

public class Receiver
{
    const long ToleranceS = 300;
    const int LargestBodyBytes = 1048576;

    readonly byte[] key;
    readonly FileStream file;
    readonly Dictionary<string, string> receipts = new Dictionary<string, string>();

    Receiver(string secret, string path)
    {
        key = Convert.FromBase64String(secret.Substring("whsec_".Length));
        if (File.Exists(path))
            foreach (var line in File.ReadAllLines(path))
                receipts[line.Split('\t')[0]] = NextReceipt();
        file = new FileStream(path, FileMode.Append, FileAccess.Write, FileShare.Read);
    }

    /// Whether one of the signatures is ours, over these very bytes, and not too old or early.
    public static bool Verify(
        string id, string sentAt, string signatures, byte[] body, byte[] key, long nowS)
    {
        long at;
        if (id == null || signatures == null || !long.TryParse(sentAt, out at)
            || Math.Abs(nowS - at) > ToleranceS)
            return false;
        var head = Encoding.UTF8.GetBytes(id + "." + sentAt + ".");
        var signed = new byte[head.Length + body.Length];
        Buffer.BlockCopy(head, 0, signed, 0, head.Length);
        Buffer.BlockCopy(body, 0, signed, head.Length, body.Length);
        byte[] expected;
        using (var mac = new HMACSHA256(key)) expected = mac.ComputeHash(signed);
        foreach (var one in signatures.Split(' '))
        {
            if (!one.StartsWith("v1,", StringComparison.Ordinal)) continue;
            try
            {
                if (Same(Convert.FromBase64String(one.Substring(3)), expected)) return true;
            }
            catch (FormatException) { }
        }
        return false;
    }

    /// In the same time whatever differs.
    static bool Same(byte[] one, byte[] other)
    {
        var differs = one.Length ^ other.Length;
        for (var i = 0; i < Math.Min(one.Length, other.Length); i++) differs |= one[i] ^ other[i];
        return differs == 0;
    }

    /// Store an event, unless its key is known; returns the receipt, the same each time.
    /// Your own work belongs here, in the same transaction.
    string Take(string id, byte[] body)
    {
        lock (receipts)
        {
            string known;
            if (receipts.TryGetValue(id, out known)) return known;
            var line = Encoding.UTF8.GetBytes(id + "\t" + Convert.ToBase64String(body) + "\n");
            file.Write(line, 0, line.Length);
            file.Flush(true); // on the disk before it is acknowledged
            return receipts[id] = NextReceipt();
        }
    }

    string NextReceipt() { return string.Format("R-{0:D6}", receipts.Count + 1); }

    void Handle(HttpListenerContext context)
    {
        var request = context.Request;
        var body = new MemoryStream();
        var piece = new byte[65536];
        int got;
        while (body.Length <= LargestBodyBytes
               && (got = request.InputStream.Read(piece, 0, piece.Length)) > 0)
            body.Write(piece, 0, got);
        var bytes = body.ToArray();
        var id = request.Headers["idempotency-key"];
        var now = (long)(DateTime.UtcNow - new DateTime(1970, 1, 1)).TotalSeconds;
        if (bytes.Length > LargestBodyBytes) Answer(context, 413, "{\"code\": \"too_large\"}");
        else if (!Verify(request.Headers["webhook-id"], request.Headers["webhook-timestamp"],
                         request.Headers["webhook-signature"], bytes, key, now))
            Answer(context, 401, "{\"code\": \"signature\"}");
        else if (string.IsNullOrEmpty(id) || bytes.Length == 0 || bytes[0] != '{'
                 || id.IndexOfAny(new[] { '\t', '\n', '"', '\\' }) >= 0)
            Answer(context, 400, "{\"code\": \"not_an_event\"}");
        else // Unknown fields and unknown types are taken as well: that is how the contract grows.
            Answer(context, 200,
                   "{\"receipt\": \"" + Take(id, bytes) + "\", \"key\": \"" + id + "\"}");
    }

    static void Answer(HttpListenerContext context, int status, string said)
    {
        var body = Encoding.UTF8.GetBytes(said);
        context.Response.StatusCode = status;
        context.Response.ContentType = "application/json";
        context.Response.ContentLength64 = body.Length;
        context.Response.OutputStream.Write(body, 0, body.Length);
        context.Response.Close();
    }

    public static void Main(string[] given)
    {
        var receiver = new Receiver(given[1], given[2]);
        var address = "http://127.0.0.1:" + given[0] + "/";
        var listener = new HttpListener();
        listener.Prefixes.Add(address);
        listener.Start();
        Console.WriteLine(address);
        Console.Out.Flush();
        while (true)
        {
            var context = listener.GetContext();
            ThreadPool.QueueUserWorkItem(_ =>
            {
                try { receiver.Handle(context); }
                catch (IOException) { context.Response.Abort(); }
                catch (HttpListenerException) { context.Response.Abort(); }
            });
        }
    }
}
