using MlNetIcl.Models.Onnx;

namespace MlNetIcl.Models;

/// <summary>The attention weights of one layer, as an output of a changed ONNX file.</summary>
/// <param name="Layer">The layer, from 0.</param>
/// <param name="Node">The node that computes them: its name and operator.</param>
/// <param name="Output">The name of the output: float32, for a usual decoder [batch, head, query, key].</param>
public sealed record ExposedAttention(int Layer, string Node, string Output);

/// <summary>Changes of ONNX files that make stock runtimes give what an analysis needs. Members are thread-safe.</summary>
public static class OnnxFile
{
    private const int UsualRank = 4;

    /// <summary>
    /// Writes a copy of an ONNX file whose attention weights are outputs, too; a new export is not needed. They are found by the shape of the graph:
    /// a softmax over a product of two values that depend on the input, whose result is the left factor of another product, or an operator that
    /// computes attention in one and can give its weights. All else stays as it is, and the outputs of the file come first.
    /// </summary>
    /// <param name="input">The file. Files that hold its tensors must lie beside it; they are copied to the other folder where that differs.</param>
    /// <param name="output">The file to write. It appears when it is complete; an existing one is replaced.</param>
    /// <returns>What was found, layer by layer.</returns>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="ArgumentException">Both are one file.</exception>
    /// <exception cref="ModelFormatException">The file is damaged, or ONNX Runtime refuses it.</exception>
    /// <exception cref="UnsupportedModelException">There is no attention that can be found; the message names the node that is in the way.</exception>
    /// <exception cref="IOException">The file cannot be written; nothing is left behind.</exception>
    public static IReadOnlyList<ExposedAttention> ExposeAttention(string input, string output)
    {
        ArgumentException.ThrowIfNullOrEmpty(input);
        ArgumentException.ThrowIfNullOrEmpty(output);
        output = Path.GetFullPath(output);
        if (output == Path.GetFullPath(input)) throw new ArgumentException($"'{output}' cannot replace the file that it is made from. Name another.", nameof(output));
        using var model = OnnxModel.Open(input);
        var graph = Branches.Resolve(model.Graph);
        var layers = AttentionFinder.Find(model, new Dataflow(graph));
        var surgery = new Surgery(model, graph, layers);
        string[] patterns = [.. layers.Select(layer => layer.Pattern)];
        var ranks = new Dictionary<string, int>(StringComparer.Ordinal);
        using (var session = new OnnxSession(model.Write(surgery.Extract(patterns, [])).ToArray(), model.Path))
            foreach (string pattern in patterns)
            {
                surgery.SetType(pattern, session.TypeOf(pattern));
                ranks[pattern] = session.RankOf(pattern) ?? UsualRank;
            }
        var (exposed, names) = surgery.Exposed(pattern => ranks[pattern]);
        CopyData(model, Path.GetDirectoryName(output)!);
        Write(model.Write(exposed), output);
        return [.. layers.Select((layer, i) => new ExposedAttention(i, layer.Node.Label, names[i]))];
    }

    private static void CopyData(OnnxModel model, string folder)
    {
        if (folder == model.Folder) return;
        foreach (string name in model.DataFiles)
        {
            string target = Path.Combine(folder, name);
            if (File.Exists(target)) throw new IOException($"'{target}' exists: the tensors of '{model.Path}' are in a file of that name, which would be copied there. Write to another folder.");
            File.Copy(Path.Combine(model.Folder, name), target);
        }
    }

    private static void Write(WireWriter model, string path)
    {
        string unfinished = path + "." + Path.GetRandomFileName();
        try
        {
            using (var file = new FileStream(unfinished, FileMode.CreateNew, FileAccess.Write, FileShare.None, 1 << 16))
            {
                model.CopyTo(file);
                file.Flush(flushToDisk: true);
            }
            File.Move(unfinished, path, overwrite: true);
        }
        finally
        {
            File.Delete(unfinished);
        }
    }
}
