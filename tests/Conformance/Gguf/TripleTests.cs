using MlNetIcl.Models;
using MlNetIcl.Probes;
using MlNetIcl.Testing;

namespace MlNetIcl.Conformance.Gguf;

/// <summary>One model in two formats.</summary>
public sealed class TripleTests
{
    [SkippableFact]
    public void DetectHeads_OfFolderAndGgufFile_GivesTheSameScores()
    {
        using LanguageModel folder = LanguageModel.Load(Fixtures.Shared("fixtures", "triple", "hf")), file = LanguageModel.Load(GgufFixtures.Llama("spm-F32.gguf"));
        // Random ids shared by both: without a tokenizer beside it, the folder says less about which of them are text.
        var random = new Random(5);
        var rows = new TokenBatch([.. Enumerable.Range(0, 20).Select(_ =>
        {
            int[] once = [.. Enumerable.Range(0, 20).Select(_ => random.Next(3, folder.Config.Vocabulary))];
            return (int[])[1, .. once, .. once];
        })]);
        var options = new HeadDetectionOptions { Losses = true };
        HeadDetectionResult expected = HeadDetector.Detect(folder, rows, options), actual = HeadDetector.Detect(file, rows, options);

        Assert.Equal(8, expected.Heads.Count);
        Assert.All(expected.Heads.Zip(actual.Heads), pair =>
        {
            Assert.Equal((pair.First.Layer, pair.First.Head), (pair.Second.Layer, pair.Second.Head));
            Close(pair.First.Induction.Score, pair.Second.Induction.Score);
            Close(pair.First.PreviousToken.Score, pair.Second.PreviousToken.Score);
            Close(pair.First.DuplicateToken.Score, pair.Second.DuplicateToken.Score);
            Close(pair.First.Copying, pair.Second.Copying);
        });
        Close(expected.Losses!.SecondRepeat, actual.Losses!.SecondRepeat);

        static void Close(double? expected, double? actual) => Assert.InRange(actual!.Value, expected!.Value - 1e-4, expected.Value + 1e-4);
    }
}
