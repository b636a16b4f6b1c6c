using MlNetIcl.Models;

namespace MlNetIcl.Probes;

/// <summary>
/// Demonstrations of a mapping from keys to values that is drawn anew for every row: <c>BOS (k,v) (k,v) … k</c>, to be continued by the value
/// of that key. A demonstration is one token, its input and label together, so that one look back answers; the mapping can be known from the
/// row alone.
/// </summary>
internal static class DemonstrationTask
{
    public const int Keys = 64, Values = 8;

    /// <summary>Ids: BOS, the keys as questions, the values as answers, the demonstrations.</summary>
    public const int Vocabulary = 1 + Keys + Values + (Keys * Values);

    /// <summary>The fewest demonstrations of a training row.</summary>
    public const int Fewest = 4;

    private const int Bos = 0;

    private const int MostQueries = 8;

    /// <summary>Tokens of a training row: demonstrations, then queries with their answers.</summary>
    public static int TrainingLength(int demonstrations) => 1 + demonstrations + (2 * Math.Min(demonstrations, MostQueries));

    /// <summary>Tokens of a row that ends in one query.</summary>
    public static int QueryLength(int demonstrations) => 2 + demonstrations;

    /// <summary>
    /// Training rows, all with one number of demonstrations, <see cref="Fewest"/> to <paramref name="most"/>, of different keys; then up to eight of
    /// the keys with their answers, which alone are scored.
    /// </summary>
    public static (TokenBatch Tokens, bool[] Scored) Training(SeededRandom random, int batchTokens, int most)
    {
        int demonstrations = Fewest + random.Next(most - Fewest + 1), length = TrainingLength(demonstrations), queries = Math.Min(demonstrations, MostQueries);
        var tokens = new int[Math.Max(1, batchTokens / length)][];
        bool[] scored = new bool[tokens.Length * (length - 1)]; // [row, target]
        for (int row = 0; row < tokens.Length; row++)
        {
            var (keys, values) = Mapping(random, demonstrations);
            int[] asked = [.. Enumerable.Range(0, demonstrations)];
            random.DrawToFront(asked.AsSpan(), queries);
            tokens[row] = [Bos, .. Demonstrations(keys, values), .. asked.Take(queries).SelectMany(i => new[] { Query(keys[i]), Answer(values[i]) })];
            var targets = scored.AsSpan((row * (length - 1)) + demonstrations, 2 * queries);
            for (int i = 1; i < targets.Length; i += 2) targets[i] = true;
        }
        return (new TokenBatch(tokens), scored);
    }

    /// <summary>Different keys, each once; every one of them, or one drawn, is asked for in a row of its own.</summary>
    public static Question[] Recall(SeededRandom random, int contexts, int demonstrations, bool everyPosition)
    {
        var questions = new List<Question>();
        for (int context = 0; context < contexts; context++)
        {
            var (keys, values) = Mapping(random, demonstrations);
            foreach (int position in everyPosition ? Enumerable.Range(0, demonstrations) : [random.Next(demonstrations)])
                questions.Add(new(Row(keys, values, keys[position]), context, position, Answer(values[position]), null));
        }
        return [.. questions];
    }

    /// <summary>One key stands twice, with two values, and is asked for; in every second row its first place is the first demonstration.</summary>
    public static Question[] Conflict(SeededRandom random, int contexts, int demonstrations)
    {
        var questions = new Question[contexts];
        for (int context = 0; context < contexts; context++)
        {
            var (keys, values) = Mapping(random, demonstrations);
            int first = context % 2 == 0 ? 0 : 1 + random.Next(demonstrations - 2), last = first + 1 + random.Next(demonstrations - 1 - first);
            keys[last] = keys[first];
            values[last] = (values[first] + 1 + random.Next(Values - 1)) % Values;
            questions[context] = new(Row(keys, values, keys[first]), context, first, Answer(values[first]), Answer(values[last]));
        }
        return questions;
    }

    private static int Query(int key) => 1 + key;

    private static int Answer(int value) => 1 + Keys + value;

    private static (int[] Keys, int[] Values) Mapping(SeededRandom random, int count)
    {
        int[] keys = [.. Enumerable.Range(0, Keys)];
        random.DrawToFront(keys.AsSpan(), count);
        return (keys[..count], [.. Enumerable.Range(0, count).Select(_ => random.Next(Values))]);
    }

    private static IEnumerable<int> Demonstrations(int[] keys, int[] values) => keys.Zip(values, (k, v) => 1 + Keys + Values + (k * Values) + v);

    private static int[] Row(int[] keys, int[] values, int query) => [Bos, .. Demonstrations(keys, values), Query(query)];
}

/// <summary>A row that ends in a query.</summary>
/// <param name="Tokens">The row.</param>
/// <param name="Context">Which demonstrations it shares with other questions.</param>
/// <param name="Position">The demonstration that answers it, from 0; of two, the first.</param>
/// <param name="Answer">The value there.</param>
/// <param name="Rival">The value of the key's second demonstration, where it has one.</param>
internal readonly record struct Question(int[] Tokens, int Context, int Position, int Answer, int? Rival);
